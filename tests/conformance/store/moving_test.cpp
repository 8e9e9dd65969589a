// A whole store moved into another one: everything is there, and it goes on.

#include "engine/store/transfer.h"
#include "tests/conformance/store/support.h"

namespace moving_test {

using namespace engine;
using namespace store_tests;

namespace {

const std::vector<std::string> subjects{"ticket/1", "ticket/2", "contact/7"};

ApiKey key_named(const std::string& id) {
    ApiKey key;
    key.id = id;
    key.tenant = acme;
    key.name = std::string("ci \\ \0 x", 8);
    key.secret_digest = sha256(id);
    key.scopes = {"events:write"};
    key.created = at(1);
    key.expires = at(100);
    return key;
}

Request request_for(const TenantName& tenant, const std::string& command) {
    Request request;
    request.tenant = tenant;
    request.command = command;
    request.arguments = {{"key", "k1"}};
    request.actor = "operator:jo";
    request.made = at(3);
    return request;
}

Step everything_step() {
    Step step = decided_step("e1", "ticket/1", 1);
    step.records[0].actor = std::string("key:\\ \0", 7);
    step.entities = {entity_of("ticket/1", 1, {{"status", "open"}, {"n", 9007199254740993}, {"f", 0.1}})};
    step.pending_added = {pending_of(3, 5, "waits", "ticket/2"), pending_of(3, 6, "waits too", "ticket/2")};
    step.outbox_added = {delivery_of(2, 1, "k1", "ticket/1"), delivery_of(2, 2, "k2", "ticket/1")};
    step.dead_letters_added = {{delivery_of(2, 3, "k3", "ticket/1"), "gone \\", 410, at(20)}};
    step.timers_set = {timer_of("ticket/1", "sla", 500), timer_of("ticket/2", "sla", 400)};
    step.lanes_blocked = {blocked_of(3, "ticket/2", "waits")};
    step.continuations_set = {continuation_of("c1", "ticket/1")};
    step.keys_set = {key_named("key1"), key_named("key2")};
    return step;
}

/// Two tenants, several streams, and at least one of everything.
void fill(Store& store) {
    need(commit(store, everything_step()));
    for (int i = 2; i < 40; ++i) {
        Step step = decided_step("e" + std::to_string(i), i % 3 == 0 ? "ticket/1" : "ticket/2", i);
        step.records.push_back(record_of("activation", "", "{}", control_stream));
        if (i % 3 == 0)
            step.entities = {entity_of("ticket/1", static_cast<std::uint64_t>(i) / 3 + 1, {{"i", i}})};
        need(commit(store, step));
    }
    Step gone = step_at(60);
    gone.outbox_removed = {{2, 2}};
    gone.outbox_updated = {delivery_of(2, 1, "k1", "ticket/1")};
    gone.outbox_updated[0].attempts = 4;
    gone.pending_removed = {{3, 6}};
    need(commit(store, gone));
    Step other = decided_step("e1", "contact/7", 70);
    other.tenant = other_tenant;
    other.seen->tenant = other_tenant;
    other.entities = {entity_of("contact/7", 1, {{"email", "A@Example.com "}})};
    other.entities[0].tenant = other_tenant;
    other.entities[0].routing = {{"queue", "billing"}};
    need(commit(store, other));
    need(store.put_rule_set(acme, "sha256:1", {{"rules.yaml", "rules: []\n"}}));
    need(store.put_rule_set(other_tenant, "sha256:2", {{"rules.yaml", std::string(50'000, 'x')}}));
    const auto answered = need(store.leave(request_for(acme, "lanes.release")));
    need(store.answer(answered, {{"ok", true}}));
    (void)need(store.leave(request_for(acme, "dead-letters.retry")));
}

OpenOptions five_partitions() {
    OpenOptions options;
    options.partitions = 5;
    return options;
}

/// In several transactions, so that nothing hangs on what comes together.
Census moved(Store& from, Store& to) {
    TransferLimits limits;
    limits.items_max = 7;
    auto census = need(transfer(from, to, limits));
    need(to.finish_load());
    return census;
}

void check_goes_on(Store& store) {
    CHECK(commit(store, decided_step("e1", "ticket/1", 80)).error().code == Code::conflict);
    Step next = decided_step("new", "ticket/1", 81);
    next.entities = {entity_of("ticket/1", 16, {{"i", 0}})};
    CHECK(commit(store, next).error().code == Code::conflict);
    next.entities[0].version = 15;
    need(commit(store, next));
    const auto history = need(store.history(acme, subject("ticket/1"), 3));
    REQUIRE(history.size() == 3);
    CHECK(history[0].seq == 80);
    CHECK(history[0].previous == 79);
    CHECK(history[1].previous == 78);
    CHECK(text_of(history[2].seq == 78 ? need(store.record(acme, "p3", 78)) : std::nullopt) ==
          text_of(history[2]));
    CHECK(need(store.seen(key_of("new")))->decision_seq == 80);
    CHECK(need(store.counters(3)).first == 6);
    CHECK(need(store.counters(2)).second == 3);
    CHECK(need(store.entity_by_email(other_tenant, "contact", "a@example.com")));
    CHECK(need(store.watched(other_tenant, at(0), "", 9)).size() == 1);
    CHECK(need(store.leave(request_for(acme, "x"))) == 3);
    CHECK(faults_of(store).empty());
}

Step erasing_step(const std::string& subject, std::vector<JournalPlace> rows) {
    Step step;
    step.tenant = acme;
    step.time = at(9);
    NewRecord record;
    record.stream = rows.front().stream;
    record.kind = record_kind::erasure;
    record.subject = subject;
    record.body = "{}";
    step.records.push_back(std::move(record));
    step.erasures.push_back({*Subject::parse(subject), std::move(rows)});
    return step;
}

}  // namespace

TEST_CASE("moving: every backend takes all that every backend holds, and goes on", "[store]") {
    const auto from_backend = GENERATE(from_range(all_backends()));
    const auto to_backend = GENERATE(from_range(all_backends()));
    INFO(from_backend.name << " to " << to_backend.name);
    OpenStore from(from_backend, five_partitions());
    fill(*from);
    OpenStore to(to_backend);
    const auto census = moved(*from, *to);

    CHECK(to->info().partitions == 5);
    CHECK_FALSE(to->info().loading);
    CHECK(everything(*to, subjects) == everything(*from, subjects));
    for (const auto& key : {key_of("e1"), key_of("e39"), EventKey{other_tenant, "desk/main", EventId("e1")}})
        CHECK(text_of(need(to->seen(key))) == text_of(need(from->seen(key))));
    CHECK(*need(to->rule_set(other_tenant, "sha256:2")) == *need(from->rule_set(other_tenant, "sha256:2")));
    CHECK(need(census_of(*to)).difference_to(census).empty());
    CHECK(census.count("journal rows") == 118);
    if (to_backend.lasting) to.reopen();
    CHECK(everything(*to, subjects) == everything(*from, subjects));
    check_goes_on(*to);
}

TEST_CASE("moving: an erased body stays erased, and what replay filled stays simulated", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore from(backend);
    need(commit(*from, decided_step("e1", "ticket/1", 1)));
    need(commit(*from, erasing_step("ticket/1", {{"p3", 1}, {"p3", 2}})));
    need(from->mark_simulated());
    OpenStore to(all_backends().front());
    (void)moved(*from, *to);
    OpenStore last(backend);
    (void)moved(*to, *last);
    CHECK_FALSE(need(last->record(acme, "p3", 1))->body);
    CHECK(need(verify(*last, acme)).erased_bodies == 2);
    CHECK(faults_of(*last).empty());
    CHECK(last->info().simulated);
}

TEST_CASE("moving: what is shown is one state of the store, whatever is committed meanwhile", "[store]") {
    const auto backend = GENERATE(from_range(lasting_backends()));
    INFO(backend.name);
    OpenStore owner(backend);
    fill(*owner);
    const auto before = need(census_of(*owner));
    const auto reader = owner.another();
    Census shown;
    int committed = 0;
    need(reader->dump([&](const StoredItem& item) {
        if (++committed < 20) {
            Step step = decided_step("later" + std::to_string(committed), "ticket/9", 90 + committed);
            step.entities = {
                entity_of("ticket/9", static_cast<std::uint64_t>(committed), {{"n", committed}})};
            step.outbox_removed = {{2, 1}};
            need(commit(*owner, step));
        }
        shown.take(item);
        return Result<void>();
    }));
    CHECK(shown.difference_to(before).empty());
    CHECK(need(census_of(*owner)).count("entities") == before.count("entities") + 1);
}

TEST_CASE("moving: an interrupted load is no store, and begins again", "[store]") {
    const auto backend = GENERATE(from_range(lasting_backends()));
    INFO(backend.name);
    OpenStore from(all_backends().front(), five_partitions());
    fill(*from);
    OpenStore to(backend);
    const auto opened_before = to.another();
    need(to->begin_load(from->info()));
    std::vector<StoredItem> some;
    (void)from->dump([&](StoredItem item) {
        some.push_back(std::move(item));
        return some.size() < 60 ? Result<void>() : Result<void>(unavailable("killed"));
    });
    need(to->load(some));
    to.close();

    CHECK(opened_before->own().error().code == Code::invalid_input);
    CHECK_FALSE(opened_before->owned());
    const auto refused = to.try_another();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::invalid_input);
    CHECK_THAT(refused.error().message, Catch::Contains("signalbox restore"));
    OpenOptions reading;
    reading.read_only = true;
    CHECK(to.try_another(reading).error().code == Code::invalid_input);

    OpenOptions again;
    again.also_loading = true;
    const auto begun_again = to.another(again);
    CHECK(begun_again->info().loading);
    need(begun_again->own());
    (void)moved(*from, *begun_again);
    CHECK(everything(*begun_again, subjects) == everything(*from, subjects));
    check_goes_on(*begun_again);
    CHECK_FALSE(need(to.try_another())->info().loading);
}

TEST_CASE("moving: only an owned store that holds nothing is loaded", "[store]") {
    const auto backend = GENERATE(from_range(lasting_backends()));
    INFO(backend.name);
    OpenStore from(backend);
    fill(*from);
    OpenStore full(backend);
    need(commit(*full, decided_step("mine", "ticket/1", 1)));
    CHECK(transfer(*from, *full).error().code == Code::conflict);
    CHECK(rows_of(*full, acme, "p3").size() == 2);
    const auto not_owned = full.another();
    CHECK(not_owned->begin_load(from->info()).error().code == Code::denied);
    OpenStore empty(backend);
    CHECK(empty->load({}).error().code == Code::denied);
    CHECK(empty->finish_load().error().code == Code::denied);
    need(empty->begin_load(from->info()));
    std::vector<StoredItem> twice{StoredItem(entity_of("ticket/1", 7, Json::object()))};
    need(empty->load(twice));
    CHECK(empty->load(twice).error().code == Code::conflict);
}

TEST_CASE("moving: heads that are not their last rows stay what they are, so that a check finds them",
          "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore from(all_backends().front());
    need(commit(*from, decided_step("e1", "ticket/1", 1)));
    OpenStore to(backend);
    need(to->begin_load(from->info()));
    std::vector<StoredItem> items;
    need(from->dump([&items](StoredItem item) {
        if (const auto* record = std::get_if<JournalRecord>(&item); record == nullptr || record->seq == 1)
            items.push_back(std::move(item));
        return Result<void>();
    }));
    need(to->load(items));
    need(to->finish_load());
    CHECK_THAT(faults_of(*to), Catch::Contains("p3 2: the row is missing"));
}

}  // namespace moving_test
