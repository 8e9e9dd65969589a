// Random steps against the store and against a model of it that is small enough to be seen to be right.

#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <tuple>

#include "tests/conformance/store/support.h"

namespace model_test {

using namespace engine;
using namespace store_tests;

namespace {

using Place = std::pair<int, std::uint64_t>;

/// What the store must hold, in the plainest form.
struct Model {
    struct Row {
        std::string subject;
        std::string body;
        std::uint64_t previous;
    };
    std::map<std::string, std::vector<Row>> streams;
    std::map<std::string, std::string> seen;  ///< id → its SeenEvent as text
    std::map<std::string, Entity> entities;
    std::map<Place, std::string> pending;
    std::map<Place, std::string> outbox;
    std::map<Place, std::string> dead_letters;
    std::map<int, std::pair<std::uint64_t, std::uint64_t>> counters;
    std::map<std::pair<std::string, std::string>, std::string> timers;
    std::map<std::string, std::string> blocked;
    std::map<std::string, std::string> continuations;

    /// False when the store must refuse the step.
    bool apply(const Step& step);

private:
    std::uint64_t append(const NewRecord& record);
};

std::uint64_t Model::append(const NewRecord& record) {
    auto& rows = streams[record.stream];
    std::uint64_t previous = 0;
    for (std::size_t i = 0; i < rows.size(); ++i)
        if (rows[i].subject == record.subject && !record.subject.empty()) previous = i + 1;
    rows.push_back({record.subject, record.body, previous});
    return rows.size();
}

bool Model::apply(const Step& step) {
    std::uint64_t event = 0;
    std::uint64_t decision = 0;
    std::string stream;
    for (const auto& record : step.records) {
        const auto seq = append(record);
        if (record.kind == record_kind::event && event == 0) event = seq;
        if (record.kind == record_kind::event && stream.empty()) stream = record.stream;
        if (record.kind == record_kind::decision && decision == 0) decision = seq;
    }
    if (step.seen) {
        const SeenEvent added{*step.seen, step.seen_digest, stream, event, decision};
        if (!seen.emplace(step.seen->id.text(), text_of(added)).second) return false;
    }
    for (const auto& entity : step.entities) {
        auto& stored = entities[entity.subject.text()];
        const bool only_meta = entity.version == stored.version && entity.fields == stored.fields;
        if (entity.version != stored.version + 1 && !only_meta) return false;
        stored = entity;
    }
    for (const auto& place : step.pending_removed) pending.erase(place);
    for (auto added : step.pending_added) {
        if (added.event_seq == 0) added.event_seq = event;
        pending[{added.partition, added.place}] = text_of(added);
        counters[added.partition].first = std::max(counters[added.partition].first, added.place);
    }
    for (const auto& place : step.outbox_removed) outbox.erase(place);
    for (const auto& updated : step.outbox_updated)
        if (outbox.count({updated.partition, updated.number}))
            outbox[{updated.partition, updated.number}] = text_of(updated);
    for (const auto& added : step.outbox_added) {
        outbox[{added.partition, added.number}] = text_of(added);
        counters[added.partition].second = std::max(counters[added.partition].second, added.number);
    }
    for (const auto& place : step.dead_letters_removed) dead_letters.erase(place);
    for (const auto& letter : step.dead_letters_added)
        dead_letters[{letter.delivery.partition, letter.delivery.number}] = text_of(letter);
    for (const auto& timer : step.timers_removed) timers.erase({timer.subject.text(), timer.name});
    for (const auto& timer : step.timers_set) timers[{timer.subject.text(), timer.name}] = text_of(timer);
    for (const auto& lane : step.lanes_released) blocked.erase(lane.subject.text());
    for (const auto& lane : step.lanes_blocked) blocked[lane.subject.text()] = lane.reason;
    for (const auto& stored : step.continuations_removed) continuations.erase(stored.id);
    for (const auto& stored : step.continuations_set) continuations[stored.id] = text_of(stored);
    return true;
}

/// Draws steps that make sense for the model's state, and now and then one that must be refused.
class Dice {
public:
    explicit Dice(unsigned seed) : random_(seed) {}

    Step step(const Model& model);
    std::size_t below(std::size_t end) {
        return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_);
    }

private:
    bool one_in(std::size_t count) { return below(count) == 0; }
    std::string any_subject() { return (one_in(3) ? "contact/" : "ticket/") + std::to_string(below(12)); }
    Entity entity(const Model& model);
    void lane_parts(Step& step, const Model& model);
    void delivery_parts(Step& step, const Model& model);

    std::mt19937 random_;
    int steps_ = 0;
    std::map<int, std::uint64_t> last_;
};

Entity Dice::entity(const Model& model) {
    const auto about = any_subject();
    const auto found = model.entities.find(about);
    Entity entity = found == model.entities.end() ? entity_of(about, 0, Json::object()) : found->second;
    entity.tenant = acme;
    entity.times.base = at(steps_);
    if (one_in(3)) entity.routing = one_in(3) ? Json{{"queue", "billing"}} : Json::object();
    if (one_in(2)) entity.rates = {{"until", to_text(at(static_cast<int>(below(500))))}};
    if (one_in(4)) return entity;
    entity.version += one_in(12) ? 2 : 1;
    entity.fields["n"] = below(1000);
    entity.fields["pad"] = std::string(below(one_in(20) ? 20'000 : 600), 'p');
    if (one_in(3)) entity.fields["email"] = "u" + std::to_string(below(5)) + "@example.com";
    entity.deleted = one_in(10);
    return entity;
}

void Dice::delivery_parts(Step& step, const Model& model) {
    const int partition = static_cast<int>(below(4));
    for (auto n = below(4); n > 0; --n) {
        const auto number = ++last_[partition];
        step.outbox_added.push_back(
            delivery_of(partition, number, "k" + std::to_string(number), any_subject()));
    }
    for (const auto& [place, text] : model.outbox)
        if (one_in(4)) step.outbox_removed.push_back(place);
    if (!step.outbox_removed.empty() && one_in(4)) {
        const auto [at_partition, number] = step.outbox_removed.front();
        step.dead_letters_added.push_back(
            {delivery_of(at_partition, number, "d" + std::to_string(number), "ticket/1"), "gone", 410,
             at(steps_)});
    }
    for (const auto& [place, text] : model.dead_letters)
        if (one_in(6)) step.dead_letters_removed.push_back(place);
}

void Dice::lane_parts(Step& step, const Model& model) {
    if (one_in(3))
        step.timers_set.push_back(
            timer_of(any_subject(), "t" + std::to_string(below(3)), static_cast<int>(below(500))));
    if (one_in(4)) step.timers_removed.push_back(timer_of(any_subject(), "t" + std::to_string(below(3)), 0));
    if (one_in(8)) step.lanes_blocked.push_back(blocked_of(1, any_subject(), "e"));
    if (one_in(8)) step.lanes_released.push_back(blocked_of(1, any_subject(), "e"));
    if (one_in(6))
        step.continuations_set.push_back(continuation_of("c" + std::to_string(below(9)), "ticket/1"));
    if (one_in(6))
        step.continuations_removed.push_back(continuation_of("c" + std::to_string(below(9)), "ticket/1"));
    for (const auto& [place, text] : model.pending)
        if (one_in(5)) step.pending_removed.push_back(place);
}

Step Dice::step(const Model& model) {
    ++steps_;
    Step step = step_at(steps_);
    const auto about = any_subject();
    const auto id = "e" + std::to_string(one_in(12) ? below(20) : 100 + steps_);
    for (auto n = below(4); n > 0; --n) {
        const auto* kind = n == 1 ? record_kind::event : n == 2 ? record_kind::decision : "attempt";
        step.records.push_back(record_of(kind, one_in(9) ? "" : about, std::string(below(900), 'b'),
                                         one_in(9) ? control_stream : "p" + std::to_string(below(3))));
    }
    if (one_in(2)) {
        step.seen = key_of(id);
        step.seen_digest = sha256(id);
    }
    if (one_in(2)) step.entities.push_back(entity(model));
    if (one_in(3)) {
        const int partition = static_cast<int>(below(4));
        step.pending_added.push_back(pending_of(partition, ++last_[partition], id, about));
    }
    delivery_parts(step, model);
    lane_parts(step, model);
    return step;
}

void compare_journal(Store& store, const Model& model) {
    for (const auto& head : need(store.streams(acme))) {
        const auto& expected = model.streams.at(head.stream);
        const auto rows = rows_of(store, acme, head.stream);
        REQUIRE(rows.size() == expected.size());
        for (std::size_t i = 0; i < rows.size(); ++i) {
            CHECK(*rows[i].body == expected[i].body);
            CHECK(rows[i].subject == expected[i].subject);
            CHECK(rows[i].previous == expected[i].previous);
        }
    }
    CHECK(faults_of(store).empty());
}

void compare_history(Store& store, const Model& model) {
    std::map<std::string, std::size_t> counts;
    for (const auto& [stream, rows] : model.streams)
        for (const auto& row : rows)
            if (!row.subject.empty()) ++counts[row.subject];
    for (const auto& [about, count] : counts)
        CHECK(need(store.history(acme, subject(about), 100'000)).size() == count);
}

void compare_entities(Store& store, const Model& model) {
    std::map<std::string, std::string> by_email;
    for (const auto& [about, entity] : model.entities) {
        const auto stored = need(store.entity(acme, subject(about)));
        REQUIRE(stored);
        CHECK(*stored == entity);
        const bool reachable = !entity.deleted && entity.fields.contains("email") && about[0] == 'c';
        if (reachable) by_email.emplace(entity.fields["email"].get<std::string>(), about);
    }
    for (int i = 0; i < 5; ++i) {
        const auto email = "u" + std::to_string(i) + "@example.com";
        const auto found = need(store.entity_by_email(acme, "contact", email));
        CHECK((found ? found->subject.text() : "") == by_email[email]);
    }
    std::vector<Entity> watched;
    for (const auto& [about, entity] : model.entities)
        if (watched_until(entity) > at(250)) watched.push_back(entity);
    CHECK(need(store.watched(acme, at(250), "", 100'000)) == watched);
}

template <class Value>
std::vector<std::string> in_partition(const std::map<Place, Value>& rows, int partition) {
    std::vector<std::string> texts;
    for (const auto& [place, text] : rows)
        if (place.first == partition) texts.push_back(text);
    return texts;
}

template <class Key>
std::multiset<std::string> values_of(const std::map<Key, std::string>& rows) {
    std::multiset<std::string> texts;
    for (const auto& [key, text] : rows) texts.insert(text);
    return texts;
}

template <class Value>
std::multiset<std::string> set_of(const std::vector<Value>& values) {
    const auto texts = texts_of(values);
    return {texts.begin(), texts.end()};
}

void compare_lanes(Store& store, const Model& model) {
    for (int partition = 0; partition < 4; ++partition) {
        CHECK(texts_of(need(store.pending(partition, 0, 100'000))) == in_partition(model.pending, partition));
        CHECK(texts_of(need(store.outbox(partition, 0, 100'000))) == in_partition(model.outbox, partition));
        const auto counters = model.counters.find(partition);
        CHECK(need(store.counters(partition)) == (counters == model.counters.end()
                                                      ? std::pair<std::uint64_t, std::uint64_t>()
                                                      : counters->second));
    }
    CHECK(need(store.outbox_size()) == model.outbox.size());
    CHECK(set_of(need(store.timers(acme, 100'000))) == values_of(model.timers));
    CHECK(set_of(need(store.dead_letters(acme, 100'000))) == values_of(model.dead_letters));
    CHECK(set_of(need(store.continuations(acme, subject("ticket/1")))) == values_of(model.continuations));
    CHECK(need(store.blocked_lanes(acme)).size() == model.blocked.size());
    for (const auto& [id, text] : model.seen) CHECK(text_of(need(store.seen(key_of(id)))) == text);
}

void compare(Store& store, const Model& model) {
    compare_journal(store, model);
    compare_history(store, model);
    compare_entities(store, model);
    compare_lanes(store, model);
}

unsigned seed_of_run() {
    const char* given = std::getenv("SIGNALBOX_TEST_SEED");
    return given == nullptr ? 20260504u : static_cast<unsigned>(std::strtoul(given, nullptr, 10));
}

}  // namespace

TEST_CASE("store: random commits leave what a simple model says, over restarts and refusals",
          "[store][random]") {
    const auto backend = GENERATE(from_range(all_backends()));
    const unsigned seed = seed_of_run();
    INFO(backend.name << ", seed " << seed << " (SIGNALBOX_TEST_SEED)");
    OpenStore store(backend);
    Model model;
    Dice dice(seed);
    int refused = 0;
    for (int round = 0; round < 300; ++round) {
        Model next = model;
        std::vector<Step> steps;
        bool fits = true;
        for (auto n = 1 + dice.below(5); n > 0; --n) {
            steps.push_back(dice.step(next));
            fits = next.apply(steps.back()) && fits;
        }
        const auto result = commit(*store, steps);
        REQUIRE(static_cast<bool>(result) == fits);
        if (fits)
            model = std::move(next);
        else
            ++refused;
        if (backend.lasting && round % 60 == 59) store.reopen();
        if (round % 30 == 29) compare(*store, model);
    }
    CHECK(refused > 5);
}

}  // namespace model_test
