#include "tests/unit/http/fakes.h"

#include <future>

namespace http_test {

using namespace engine;

Result<std::optional<SeenEvent>> FakeStore::seen(const EventKey& key) {
    if (away) return none();
    for (const auto& one : seen_events)
        if (one.key.tenant == key.tenant && one.key.source == key.source && one.key.id == key.id)
            return std::optional(one);
    return std::optional<SeenEvent>();
}

Result<std::vector<SeenEvent>> FakeStore::seen_by_id(const TenantName& tenant, const EventId& id) {
    if (away) return none();
    std::vector<SeenEvent> found;
    for (const auto& one : seen_events) {
        if (one.key.tenant != tenant || one.key.id != id) continue;
        found.push_back(one);
        found.back().key.source.clear();
    }
    return found;
}

Result<std::optional<Entity>> FakeStore::entity(const TenantName& tenant, const Subject& subject) {
    if (away) return none();
    for (const auto& one : entity_list)
        if (one.tenant == tenant && one.subject == subject) return std::optional(one);
    return std::optional<Entity>();
}

Result<std::vector<Entity>> FakeStore::watched(const TenantName& tenant, Instant after,
                                               std::string_view after_subject, std::size_t limit) {
    if (away) return none();
    std::map<std::string, Entity> found;
    for (const auto& one : entity_list) {
        const auto until = watched_until(one);
        if (one.tenant == tenant && until && *until > after && one.subject.text() > after_subject)
            found.emplace(one.subject.text(), one);
    }
    std::vector<Entity> page;
    for (const auto& [subject, entity] : found)
        if (page.size() < limit) page.push_back(entity);
    return page;
}

Result<std::vector<Timer>> FakeStore::timers_of(const TenantName& tenant, const Subject& subject) {
    auto found = timers(tenant, 0);
    if (!found) return found;
    std::erase_if(*found, [&](const auto& one) { return one.subject != subject; });
    return found;
}

Result<std::vector<Timer>> FakeStore::timers(const TenantName& tenant, std::size_t) {
    if (away) return none();
    auto found = timer_list;
    std::erase_if(found, [&](const auto& one) { return one.tenant != tenant; });
    return found;
}

Result<std::vector<BlockedLane>> FakeStore::blocked_lanes(const TenantName& tenant) {
    if (away) return none();
    auto found = lane_list;
    std::erase_if(found, [&](const auto& one) { return one.tenant != tenant; });
    return found;
}

Result<std::vector<DeadLetter>> FakeStore::dead_letters(const TenantName& tenant, std::size_t) {
    if (away) return none();
    auto found = dead_letter_list;
    std::erase_if(found, [&](const auto& one) { return one.delivery.tenant != tenant; });
    return found;
}

Result<std::vector<StreamHead>> FakeStore::streams(const TenantName& tenant) {
    if (away) return none();
    std::map<std::string, StreamHead> heads;
    for (const auto& row : records)
        if (row.tenant == tenant) heads[row.stream] = {row.stream, row.seq, row.hash};
    std::vector<StreamHead> found;
    for (const auto& [name, head] : heads) found.push_back(head);
    return found;
}

Result<std::optional<JournalRecord>> FakeStore::record(const TenantName& tenant, std::string_view stream,
                                                       std::uint64_t seq) {
    if (away) return none();
    for (const auto& row : records)
        if (row.tenant == tenant && row.stream == stream && row.seq == seq) return std::optional(row);
    return std::optional<JournalRecord>();
}

Result<void> FakeStore::scan(const TenantName& tenant, std::string_view stream, std::uint64_t after_seq,
                             const std::function<bool(const JournalRecord&)>& each) {
    if (away) return none();
    for (const auto& row : records)
        if (row.tenant == tenant && row.stream == stream && row.seq > after_seq && !each(row)) break;
    return {};
}

Result<std::vector<JournalRecord>> FakeStore::history(const TenantName& tenant, const Subject& subject,
                                                      std::size_t limit) {
    if (away) return none();
    std::vector<JournalRecord> found;
    for (auto row = records.rbegin(); row != records.rend() && found.size() < limit; ++row)
        if (row->tenant == tenant && row->subject == subject.text()) found.push_back(*row);
    return found;
}

Result<std::optional<ApiKey>> FakeStore::key(std::string_view id) {
    ++key_questions;
    if (away) return none();
    for (const auto& one : api_keys)
        if (one.id == id) return std::optional(one);
    return std::optional<ApiKey>();
}

FakeDoor::FakeDoor() : thread_([this] { run(); }) {}

FakeDoor::~FakeDoor() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void FakeDoor::run() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [&] { return stopping_ || !work_.empty(); });
        if (work_.empty()) return;
        const auto work = std::move(work_.front());
        work_.pop_front();
        lock.unlock();
        work();
        lock.lock();
    }
}

void FakeDoor::post(std::function<void()> work) {
    {
        const std::lock_guard lock(mutex_);
        work_.push_back(std::move(work));
    }
    changed_.notify_all();
}

void FakeDoor::on_engine(std::function<void()> work) {
    std::promise<void> done;
    post([&] {
        work();
        done.set_value();
    });
    done.get_future().wait();
}

std::vector<Event> FakeDoor::submitted() const {
    const std::lock_guard lock(mutex_);
    return submitted_;
}

std::vector<Request> FakeDoor::performed() const {
    const std::lock_guard lock(mutex_);
    return performed_;
}

std::vector<Json> FakeDoor::dry_runs() const {
    const std::lock_guard lock(mutex_);
    return dry_runs_;
}

void FakeDoor::hold() {
    const std::lock_guard lock(mutex_);
    holding_ = true;
}

void FakeDoor::release() {
    std::vector<std::function<void()>> held;
    {
        const std::lock_guard lock(mutex_);
        holding_ = false;
        held = std::exchange(held_, {});
    }
    for (auto& work : held) post(std::move(work));
}

void FakeDoor::wait_for_events(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return submitted_.size() >= count; });
}

std::shared_ptr<const Tenant> FakeDoor::tenant(const TenantName& name) const {
    const auto found = tenants.find(name);
    return found == tenants.end() ? nullptr : found->second;
}

std::vector<Ack> FakeDoor::acks_of(const std::vector<Event>& events) {
    std::vector<Ack> acks;
    for (const auto& event : events) {
        Ack ack{answer_with, event.id, false, "as the test wants"};
        const bool fresh = known_.emplace(event.source + ' ' + event.id.text(), true).second;
        if (!fresh && answer_with == Ack::Kind::accepted) ack.kind = Ack::Kind::duplicate;
        acks.push_back(ack);
    }
    return acks;
}

void FakeDoor::submit(std::vector<Event> events, std::function<void(std::vector<Ack>)> done) {
    {
        const std::lock_guard lock(mutex_);
        auto work = [acks = acks_of(events), done = std::move(done)] { done(acks); };
        (holding_ ? held_.emplace_back() : work_.emplace_back()) = std::move(work);
        for (auto& event : events) submitted_.push_back(std::move(event));
    }
    changed_.notify_all();
}

void FakeDoor::ask(std::function<void(Store&)> question) {
    post([this, question = std::move(question)] { question(store); });
}

void FakeDoor::perform(Request request, std::function<void(Result<Json>)> done) {
    {
        const std::lock_guard lock(mutex_);
        performed_.push_back(std::move(request));
    }
    post([answer = perform_with, done = std::move(done)] { done(answer); });
}

Result<Json> FakeDoor::dry_run(const Tenant&, const Json& request, Store&) {
    const std::lock_guard lock(mutex_);
    dry_runs_.push_back(request);
    return dry_run_with;
}

}  // namespace http_test
