#include "engine/pipeline/runtime.h"

#include <algorithm>
#include <utility>

#include "engine/base/failpoint.h"
#include "engine/base/log.h"
#include "engine/pipeline/activation.h"
#include "engine/pipeline/dry_run.h"
#include "rules/script.h"

namespace engine {
namespace {

constexpr Duration idle_wait = std::chrono::seconds(1);
constexpr std::size_t requests_per_poll = 100;
/// Then operators' commands and the figures have their turn.
constexpr int turns_in_a_row_max = 32;
/// Turns at the end, when those who wait have waited long enough.
constexpr int last_turns = 64;
/// Figures are gathered this often at most: gathering them costs as much as a small decision.
constexpr auto figures_every = std::chrono::milliseconds(50);

Attempt no_connection(const std::string& name) {
    Attempt attempt;
    attempt.kind = Attempt::Kind::failed;
    attempt.reason = "the tenant has no connection " + name + " any more";
    return attempt;
}

std::optional<Instant> sooner(std::optional<Instant> one, std::optional<Instant> other) {
    if (!one || !other) return one ? one : other;
    return std::min(*one, *other);
}

Json answer_of(const Result<Json>& result) {
    if (result) return Json{{"ok", *result}};
    return Json{{"error", result.error().message}, {"code", name_of(result.error().code)}};
}

}  // namespace

Runtime::Runtime(Handles handles, Tenants folders, Outbound& outbound, const Clock& clock,
                 RuntimeOptions options, Worker::Listener listener, std::function<void(Error)> on_fatal)
    : handles_(std::move(handles)),
      folders_(std::move(folders)),
      outbound_(outbound),
      clock_(clock),
      options_(std::move(options)),
      on_fatal_(std::move(on_fatal)),
      worker_(*handles_.writer, Tenants(), options_.worker, std::move(listener),
              Worker::Overlap{handles_.view.get(), [this] { tasks_->put([](Worker&) {}); }}) {}

Runtime::~Runtime() {
    stop(Duration(0));
}

Result<void> Runtime::start() {
    if (auto owned = handles_.writer->own(); !owned) return owned;
    if (options_.on_owned)
        if (auto taken = options_.on_owned(*handles_.writer); !taken) return taken;
    auto served = take_up(*handles_.writer, folders_, options_.load, clock_.now());
    if (!served) return served.error();
    {
        const std::lock_guard lock(tenants_mutex_);
        tenants_ = *served;
    }
    worker_.serve(*std::move(served));
    if (auto started = worker_.start(clock_.now()); !started) return started.error();
    for (const auto& [name, tenant] : tenants_)
        if (auto begun = worker_.begin_schedules(name, clock_.now()); !begun) return begun.error();
    pass(Failpoint::start_resumed);
    worker_.tend(clock_.now());
    publish_health(true);
    accepting_ = true;
    worker_thread_ = std::thread([this] { work(); });
    if (!reader_thread_.joinable()) reader_thread_ = std::thread([this] { read(); });
    return {};
}

void Runtime::stand_by(const std::string& reason) {
    {
        const std::lock_guard lock(health_mutex_);
        health_.ready = false;
        health_.reason = reason;
    }
    if (reader_thread_.joinable()) return;
    know_tenants();
    reader_thread_ = std::thread([this] { read(); });
}

/// Those of the folders, and those whose rules were pushed: senders of all of them are told to come again.
void Runtime::know_tenants() {
    auto known = folders_;
    const auto names = handles_.reader->tenants();
    for (const auto& name : names ? *names : std::vector<TenantName>()) {
        if (known.contains(name)) continue;
        const auto version = active_version(*handles_.reader, name);
        if (!version || version->empty()) continue;
        auto tenant = stored_tenant(*handles_.reader, name, *version, options_.load);
        if (tenant) known[name] = *std::move(tenant);
    }
    const std::lock_guard lock(tenants_mutex_);
    tenants_ = std::move(known);
}

bool Runtime::may_deliver() const {
    return std::chrono::steady_clock::now() < owns_until_.load();
}

void Runtime::stop(Duration deadline) {
    accepting_ = false;
    stop_deadline_ = microseconds_of(clock_.now() + deadline);
    stopping_ = true;
    tasks_->put([](Worker&) {});
    if (worker_thread_.joinable()) worker_thread_.join();
    tasks_->close();
    questions_.close();
    if (reader_thread_.joinable()) reader_thread_.join();
}

std::shared_ptr<const Tenant> Runtime::tenant(const TenantName& name) const {
    const std::lock_guard lock(tenants_mutex_);
    const auto found = tenants_.find(name);
    return found == tenants_.end() ? nullptr : found->second;
}

bool Runtime::serves_several() const {
    const std::lock_guard lock(tenants_mutex_);
    return tenants_.size() > 1;
}

bool Runtime::serves_nobody() const {
    const std::lock_guard lock(tenants_mutex_);
    return tenants_.empty();
}

void Runtime::serve(const std::shared_ptr<const Tenant>& tenant) {
    const std::lock_guard lock(tenants_mutex_);
    tenants_[tenant->name] = tenant;
}

void Runtime::submit(std::vector<Event> events, std::function<void(std::vector<Ack>)> done) {
    std::vector<Ack> refused;
    for (const auto& event : events)
        refused.push_back({Ack::Kind::unavailable, event.id, false, "the engine takes no events now"});
    if (!accepting_) return done(std::move(refused));
    auto arrivals = arrivals_of(std::move(events), [this](const TenantName& name) { return tenant(name); });
    auto shared =
        std::make_shared<std::pair<std::vector<Arrival>, Worker::Done>>(std::move(arrivals), std::move(done));
    const bool put = tasks_->put(
        [shared](Worker& worker) { worker.submit(std::move(shared->first), std::move(shared->second)); });
    if (!put) shared->second(std::move(refused));
}

void Runtime::ask(std::function<void(Store&)> question) {
    // A full queue runs nothing: the asker's own deadline answers for it.
    if (!questions_.put(std::move(question), options_.questions_max))
        log_warn("a question found no room", {{"waiting", std::uint64_t(questions_.size())}});
}

void Runtime::perform(Request request, std::function<void(Result<Json>)> done) {
    auto shared =
        std::make_shared<std::pair<Request, std::function<void(Result<Json>)>>>(std::move(request), done);
    const bool put = accepting_ && tasks_->put([this, shared](Worker& worker) {
        if (shared->first.command == activate_command)
            activate(std::move(shared->first), std::move(shared->second));
        else
            worker.command(std::move(shared->first), std::move(shared->second));
    });
    if (!put) done(unavailable("the engine takes no commands now"));
}

Result<Json> Runtime::dry_run(const Tenant& tenant, const Json& request, Store& store) {
    return engine::dry_run(tenant, request, clock_.now(), &store);
}

Health Runtime::health() const {
    const std::lock_guard lock(health_mutex_);
    return health_;
}

void Runtime::work() {
    bool fine = true;
    while (true) {
        for (auto& task : tasks_->take(wait_time(fine))) task(worker_);
        fine = run_turns() && worker_.store_takes_commits();
        if (fine) look_for_requests();
        if (fine) worker_.tend(clock_.now());
        publish_health(fine);
        if (worker_.fatal()) return note_fatal();
        if (!stopping_) continue;
        drain(instant_of(stop_deadline_));
        return worker_.fatal() ? note_fatal() : worker_.give_up_intake();
    }
}

/// Turns until nothing waits or others have waited long enough; what arrives meanwhile joins the next one.
bool Runtime::run_turns() {
    for (int turns = 0; turns < turns_in_a_row_max; ++turns) {
        const auto now = clock_.now();
        const bool has_work = worker_.has_work() || worker_.has_timers(now);
        if (has_work && !worker_.turn(now)) return false;
        const bool simulated = deliver_due();
        ask_for_answers();
        if (!worker_.has_work() && !worker_.has_timers(clock_.now()) && !simulated) return true;
        for (auto& task : tasks_->take(Duration(0))) task(worker_);
    }
    return true;
}

/// True when an attempt was over at once.
bool Runtime::deliver_due() {
    note_ownership();
    const auto now = clock_.now();
    const auto next = worker_.outbox().next_due();
    if (!next || *next > now || !worker_.surely_owns()) return false;
    note_ownership();
    auto due = worker_.take_due(now, options_.deliveries_per_turn_max);
    for (auto& delivery : due) dispatch(std::move(delivery));
    return worker_.has_work();
}

void Runtime::note_ownership() {
    owns_until_ = worker_.owns_until().value_or(std::chrono::steady_clock::time_point::max());
}

void Runtime::dispatch(Delivery delivery) {
    const auto tenant = worker_.tenant(delivery.tenant);
    const auto& connections = tenant->connections;
    const auto found = connections.find(delivery.action.connection);
    const int partition = delivery.partition;
    const auto number = delivery.number;
    if (found == connections.end())
        return worker_.settled(partition, number, no_connection(delivery.action.connection));
    if (found->second.sandbox)
        return worker_.settled(partition, number, connectors::simulate(found->second, delivery));
    // Whatever goes live meanwhile, the attempt ends with the connection it began with.
    const std::shared_ptr<const connectors::Connection> connection(tenant, &found->second);
    pass(Failpoint::delivery_leaving);
    outbound_.deliver(connection, std::move(delivery), [tasks = tasks_, partition, number](Attempt attempt) {
        pass(Failpoint::delivery_answered);
        tasks->put([partition, number, attempt = std::move(attempt)](Worker& worker) mutable {
            worker.settled(partition, number, std::move(attempt));
        });
    });
}

void Runtime::ask_for_answers() {
    while (worker_.has_lookups() && lookups_under_way_ < options_.lookups_max)
        for (auto& lookup : worker_.take_lookups(options_.lookups_max - lookups_under_way_))
            ask(std::move(lookup));
}

void Runtime::ask(PendingLookup lookup) {
    const auto tenant = worker_.tenant(lookup.tenant);
    auto question = question_of(*tenant, lookup.need);
    // Connections may be others by now.
    if (!question) return worker_.answered(lookup, unanswered(question.error()), clock_.now());
    ++lookups_under_way_;
    const std::shared_ptr<const connectors::Connection> connection(tenant, question->connection);
    pass(Failpoint::lookup_leaving);
    // A task that comes after the end is never run.
    outbound_.look_up(connection, std::move(question->lookup),
                      [this, tasks = tasks_, lookup = std::move(lookup)](Attempt attempt) {
                          pass(Failpoint::lookup_answered);
                          tasks->put([this, lookup, attempt = std::move(attempt)](Worker& worker) {
                              --lookups_under_way_;
                              ++lookup_counts_[std::string(name_of(attempt.kind))];
                              worker.answered(lookup, answer_of(attempt), clock_.now());
                          });
                      });
}

void Runtime::look_for_requests() {
    const auto now = clock_.now();
    if (now < next_poll_) return;
    next_poll_ = now + options_.request_poll;
    auto requests = handles_.view->unanswered(requests_per_poll);
    if (!requests) return;
    for (auto& request : *requests) perform_left(std::move(request));
    while (worker_.has_commands() && worker_.turn(now)) {
    }
}

void Runtime::perform_left(Request request) {
    const auto number = request.number;
    if (request.command != activate_command)
        return worker_.command(std::move(request),
                               [this, number](const Result<Json>& result) { answer(number, result); });
    if (!compiling_.insert(number).second) return;
    activate(std::move(request), [this, number](const Result<Json>& result) {
        answer(number, result);
        compiling_.erase(number);
    });
}

void Runtime::answer(std::uint64_t number, const Result<Json>& result) {
    // Without an answer the asker waits on and the command is found again; each is safe to repeat.
    if (auto answered = handles_.writer->answer(number, answer_of(result)); !answered)
        log_warn("a command's answer could not be stored", {{"reason", answered.error().message}});
}

/// Compiled on the reader's thread: events are decided meanwhile.
void Runtime::activate(Request request, std::function<void(Result<Json>)> done) {
    const auto shared = std::make_shared<Request>(std::move(request));
    const auto answered = std::make_shared<std::function<void(Result<Json>)>>(std::move(done));
    const bool put = questions_.put(
        [this, shared, answered](Store& store) {
            auto load = options_.load;
            load.previous = [this](const TenantName& name) { return this->tenant(name); };
            auto tenant =
                stored_tenant(store, shared->tenant, text_or(shared->arguments, "version", ""), load);
            tasks_->put([this, shared, answered, tenant = std::move(tenant)](Worker&) {
                const ActivatedBy by{text_or(shared->arguments, "via", activated_via::push), shared->actor,
                                     text_or(shared->arguments, "message", "")};
                (*answered)(tenant ? go_live(*tenant, by) : tenant.error());
            });
        },
        options_.questions_max);
    if (!put) (*answered)(unavailable("too many questions wait; try again"));
}

/// On the worker's thread.
Result<Json> Runtime::go_live(const std::shared_ptr<const Tenant>& tenant, const ActivatedBy& by) {
    const auto done = worker_.activate(tenant, by, clock_.now());
    if (!done) return done.error();
    serve(tenant);
    if (auto begun = worker_.begin_schedules(tenant->name, clock_.now()); !begun)
        log_warn("schedules begin with the next start only", {{"reason", begun.error().message}});
    const auto& version = tenant->rule_set->version;
    if (*done)
        log_info("a rule set went live",
                 {{"tenant", tenant->name.text()}, {"version", version}, {"via", by.via}, {"by", by.actor}});
    return Json{{"version", version}, {"state", *done ? "active" : "unchanged"}};
}

void Runtime::reload(const Tenants& folders) {
    for (const auto& [name, folder] : folders)
        tasks_->put([this, folder = folder](Worker&) { reload_here(folder); });
}

void Runtime::reload_here(const std::shared_ptr<const Tenant>& folder) {
    const auto known = activations(*handles_.view, folder->name);
    Result<Json> done = known ? Json() : Result<Json>(known.error());
    // A folder that says nothing new leaves what was pushed since.
    if (known &&
        (is_news(*known, folder->rule_set->version) || known->back().version == folder->rule_set->version))
        done = go_live(folder, {});
    if (!done)
        log_error("a tenant's folder could not go live",
                  {{"tenant", folder->name.text()}, {"reason", done.error().message}});
}

Duration Runtime::wait_time(bool store_fine) const {
    if (!store_fine) return options_.store_retry;
    if (worker_.has_work()) return Duration(0);
    const auto now = clock_.now();
    const Duration wait = std::min(idle_wait, std::max(Duration(1'000), next_poll_ - now));
    if (worker_.has_timers(now)) return Duration(0);
    const auto next = sooner(worker_.outbox().next_due(), worker_.next_timer());
    if (!next) return wait;
    // What is due at once may be due since the beginning of time, which no difference reaches.
    return *next <= now ? Duration(0) : std::min(wait, Duration(*next - now));
}

/// Nothing new comes in; what is in memory is decided, what is in flight may come home.
void Runtime::drain(Instant deadline) {
    pass(Failpoint::drain_begun);
    worker_.let_timers_rest();
    while (clock_.now() < deadline && !worker_.fatal()) {
        for (auto& task : tasks_->take(std::chrono::milliseconds(10))) task(worker_);
        while (worker_.has_work() && clock_.now() < deadline && worker_.turn(clock_.now())) {
        }
        if (worker_.idle() && worker_.outbox().in_flight() == 0) break;
    }
    for (auto& task : tasks_->take(Duration(0))) task(worker_);
    // What came home is committed; what waits is in the store, and events that make events may never end.
    for (int turns = 0; turns < last_turns && worker_.has_work() && worker_.turn(clock_.now()); ++turns) {
    }
    worker_.settle_commits();
}

/// Whoever waits is told at once to send again; else the end would take as long as their patience.
void Runtime::note_fatal() {
    accepting_ = false;
    tasks_->close();
    for (auto& task : tasks_->take(Duration(0))) task(worker_);
    worker_.turn(clock_.now());
    while (worker_.intake_size() > 0) worker_.turn_intake(clock_.now());
    if (on_fatal_) on_fatal_(*worker_.fatal());
}

void Runtime::read() {
    while (!questions_.closed())
        for (auto& question : questions_.take(idle_wait)) question(*handles_.reader);
}

void Runtime::publish_health(bool store_fine) {
    const auto& counts = worker_.counts();
    Health health;
    health.ready = store_fine && !stopping_ && !worker_.fatal();
    if (!store_fine) health.reason = "the store does not take commits";
    if (stopping_) health.reason = "stopping";
    const auto moment = std::chrono::steady_clock::now();
    // Whoever waits for the end of work must see it at once.
    const bool busy = !worker_.idle() || worker_.outbox().in_flight() > 0 || worker_.asking_lanes() > 0;
    if (busy && health.ready == published_ready_ && moment < next_publication_) return;
    published_ready_ = health.ready;
    next_publication_ = moment + figures_every;
    auto& gauges = health.gauges;
    gauges["intake_waiting"] = static_cast<double>(worker_.intake_size());
    gauges["pending_events"] = static_cast<double>(worker_.pending_size());
    gauges["outbox_depth"] = static_cast<double>(worker_.outbox_rows());
    gauges["outbox_in_flight"] = static_cast<double>(worker_.outbox().in_flight());
    gauges["lanes_asking"] = static_cast<double>(worker_.asking_lanes());
    gauges["lookups_in_flight"] = static_cast<double>(lookups_under_way_);
    for (const auto& [label, count] : lookup_counts_)
        gauges["lookups_total{outcome=\"" + label + "\"}"] = static_cast<double>(count);
    if (options_.load.scripts) gauges.merge(options_.load.scripts->figures());
    gauges["script_runs_ahead_total"] = static_cast<double>(worker_.scripts_ahead().runs);
    gauges["script_runs_ahead_used_total"] = static_cast<double>(worker_.scripts_ahead().used);
    gauges["slow_tenants"] = static_cast<double>(worker_.slow_tenants());
    gauges["lanes_blocked"] = static_cast<double>(worker_.blocked_lanes());
    gauges["breakers_open"] = static_cast<double>(worker_.outbox().open_breakers().size());
    for (const auto quantile : {"0.5", "0.99"})
        gauges["commit_seconds{quantile=\"" + std::string(quantile) + "\"}"] =
            counts.commit_times.quantile(std::strtod(quantile, nullptr));
    gauges["commits_total"] = static_cast<double>(counts.commits);
    gauges["commit_failures_total"] = static_cast<double>(counts.commit_failures);
    gauges["duplicates_total"] = static_cast<double>(counts.duplicates);
    gauges["clashes_total"] = static_cast<double>(counts.clashes);
    gauges["rule_failures_total"] = static_cast<double>(worker_.rule_failures());
    gauges["dead_letters_total"] = static_cast<double>(counts.dead_letters);
    for (const auto outcome : {Outcome::ok, Outcome::loop, Outcome::error, Outcome::stale}) {
        const auto found = counts.decisions.find(outcome);
        gauges["decisions_total{result=\"" + std::string(name_of(outcome)) + "\"}"] =
            found == counts.decisions.end() ? 0 : static_cast<double>(found->second);
    }
    for (const auto& [label, count] : counts.attempts)
        gauges["delivery_attempts_total{outcome=\"" + label + "\"}"] = static_cast<double>(count);
    const std::lock_guard lock(health_mutex_);
    health_ = std::move(health);
}

}  // namespace engine
