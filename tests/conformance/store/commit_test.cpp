#include "tests/conformance/store/support.h"

namespace commit_test {

using namespace engine;
using namespace store_tests;

TEST_CASE("store: a step's parts become readable together", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    Step step = decided_step("e1", "ticket/1", 1);
    step.entities = {entity_of("ticket/1", 1, {{"status", "open"}})};
    step.outbox_added = {delivery_of(3, 7, "k1", "ticket/1")};
    step.timers_set = {timer_of("ticket/1", "sla", 60)};

    need(commit(*store, step));

    const auto seen = need(store->seen(key_of("e1")));
    REQUIRE(seen);
    CHECK(seen->stream == "p3");
    CHECK(seen->event_seq == 1);
    CHECK(seen->decision_seq == 2);
    CHECK(seen->content_digest == sha256("e1"));
    CHECK(text_of(need(store->entity(acme, subject("ticket/1")))) == text_of(step.entities[0]));
    CHECK(texts_of(need(store->outbox(3, 0, 10))) == texts_of(step.outbox_added));
    CHECK(texts_of(need(store->timers(acme, 10))) == texts_of(step.timers_set));
    CHECK(rows_of(*store, acme, "p3").size() == 2);
    CHECK(faults_of(*store).empty());
}

TEST_CASE("store: a conflict in the last step of a commit keeps nothing of the others", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    need(commit(*store, decided_step("e1", "ticket/1", 1)));
    const std::string before = everything(*store, {"ticket/1", "ticket/2"});

    Step full = decided_step("e2", "ticket/2", 2);
    full.records.push_back(record_of("operator_act", "", "{}", "control"));
    full.entities = {entity_of("ticket/2", 1, {{"email", "a@example.com"}})};
    full.pending_added = {pending_of(1, 5, "x", "ticket/2")};
    full.outbox_added = {delivery_of(3, 9, "k9", "ticket/2")};
    full.dead_letters_added = {{delivery_of(3, 4, "k4", "ticket/2"), "gone", 410, at(3)}};
    full.timers_set = {timer_of("ticket/2", "sla", 60)};
    full.lanes_blocked = {blocked_of(1, "ticket/2", "x")};
    full.continuations_set = {continuation_of("c1", "ticket/2")};
    const auto result = commit(*store, {full, decided_step("e1", "ticket/1", 3)});

    REQUIRE(!result);
    CHECK(result.error().code == Code::conflict);
    CHECK(result.error().message.find("e1") != std::string::npos);
    CHECK(everything(*store, {"ticket/1", "ticket/2"}) == before);
    need(commit(*store, full));
    CHECK(faults_of(*store).empty());
    CHECK(rows_of(*store, acme, "p3").size() == 4);
}

TEST_CASE("store: an event is taken once by tenant, source and id", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    need(commit(*store, decided_step("e1", "ticket/1", 1)));

    SECTION("the same key is a conflict in a later commit") {
        CHECK(commit(*store, decided_step("e1", "ticket/9", 2)).error().code == Code::conflict);
    }
    SECTION("and inside one commit") {
        const auto twice =
            commit(*store, {decided_step("e2", "ticket/1", 2), decided_step("e2", "ticket/1", 2)});
        CHECK(twice.error().code == Code::conflict);
        CHECK_FALSE(need(store->seen(key_of("e2"))));
    }
    SECTION("another source or tenant is another event") {
        Step elsewhere = decided_step("e1", "ticket/1", 2);
        elsewhere.seen = key_of("e1", "chat/main");
        Step tenant = decided_step("e1", "ticket/1", 2);
        tenant.tenant = other_tenant;
        tenant.seen->tenant = other_tenant;
        need(commit(*store, {elsewhere, tenant}));
        CHECK(need(store->seen_by_id(acme, EventId("e1"))).size() == 2);
        CHECK(need(store->seen_by_id(other_tenant, EventId("e1"))).size() == 1);
        CHECK(rows_of(*store, other_tenant, "p3").size() == 2);
    }
}

TEST_CASE("store: events of one id are listed oldest first, without their sources", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    for (int i = 0; i < 12; ++i) {
        Step step = decided_step("same", "ticket/" + std::to_string(i), 10 + i);
        step.seen = key_of("same", "source/" + std::to_string(i));
        for (auto& record : step.records) record.stream = "p" + std::to_string(11 - i);
        need(commit(*store, step));
    }

    const auto found = need(store->seen_by_id(acme, EventId("same")));

    REQUIRE(found.size() == 12);
    for (std::size_t i = 0; i < found.size(); ++i) {
        CHECK(found[i].stream == "p" + std::to_string(11 - i));
        CHECK(found[i].key.source.empty());
    }
    CHECK(need(store->seen_by_id(acme, EventId("sam"))).empty());
    CHECK(need(store->seen_by_id(TenantName("nobody"), EventId("same"))).empty());
}

TEST_CASE("store: a pending event is decided once", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    Step accept = step_at(1);
    accept.records = {record_of(record_kind::event, "ticket/1", "{}")};
    accept.seen = key_of("e1");
    accept.pending_added = {pending_of(3, 1, "e1", "ticket/1")};
    need(commit(*store, accept));
    CHECK(need(store->seen(key_of("e1")))->decision_seq == 0);
    CHECK(need(store->pending(3, 0, 9))[0].event_seq == 1);

    Step decide = step_at(2);
    decide.records = {record_of(record_kind::decision, "ticket/1", "{}")};
    decide.decided = key_of("e1");
    decide.pending_removed = {{3, 1}};
    need(commit(*store, decide));

    CHECK(need(store->seen(key_of("e1")))->event_seq == 1);
    CHECK(need(store->seen(key_of("e1")))->decision_seq == 2);
    CHECK(need(store->pending(3, 0, 9)).empty());
    const auto again = commit(*store, decide);
    CHECK(again.error().code == Code::conflict);
    CHECK(again.error().message.find("e1") != std::string::npos);
    decide.decided = key_of("unknown");
    CHECK(commit(*store, decide).error().code == Code::conflict);
    decide.records.clear();
    CHECK(commit(*store, decide).error().code == Code::invalid_input);
}

TEST_CASE("store: an entity's versions follow one another", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    const auto write = [&](Entity entity) {
        Step step = step_at(1);
        step.entities = {std::move(entity)};
        return commit(*store, step);
    };
    CHECK(write(entity_of("ticket/1", 2, {{"a", 1}})).error().code == Code::conflict);
    need(write(entity_of("ticket/1", 1, {{"a", 1}})));
    need(write(entity_of("ticket/1", 2, {{"a", 2}})));

    SECTION("a version is not skipped, repeated or gone back to") {
        CHECK(write(entity_of("ticket/1", 4, {{"a", 3}})).error().code == Code::conflict);
        CHECK(write(entity_of("ticket/1", 2, {{"a", 3}})).error().code == Code::conflict);
        CHECK(write(entity_of("ticket/1", 1, {{"a", 1}})).error().code == Code::conflict);
        CHECK(need(store->entity(acme, subject("ticket/1")))->fields == Json{{"a", 2}});
    }
    SECTION("what is beside the fields may change without a version") {
        Entity same = entity_of("ticket/1", 2, {{"a", 2}});
        same.times.base = at(9);
        same.times.others["b"] = std::nullopt;
        same.own_writes["a"].delivery = DeliveryKey("k");
        need(write(same));
        CHECK(*need(store->entity(acme, subject("ticket/1"))) == same);
    }
    SECTION("two versions in one commit are two steps") {
        Step third = step_at(2);
        third.entities = {entity_of("ticket/1", 3, {{"a", 3}})};
        Step fourth = step_at(2);
        fourth.entities = {entity_of("ticket/1", 4, {{"a", 4}})};
        CHECK(commit(*store, {fourth, third}).error().code == Code::conflict);
        need(commit(*store, {third, fourth}));
        CHECK(need(store->entity(acme, subject("ticket/1")))->version == 4);
    }
}

TEST_CASE("store: a commit of nothing changes nothing", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    need(commit(*store, std::vector<Step>{}));
    CHECK(need(store->tenants()).empty());
    need(commit(*store, step_at(1)));
    CHECK(need(store->streams(acme)).empty());
}

TEST_CASE("store: only the owner commits", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    Folder folder;
    const auto store = need(backend.open(folder, {}));
    CHECK(commit(*store, decided_step("e1", "ticket/1", 1)).error().code == Code::denied);
    CHECK_FALSE(need(store->has_owner()));
    need(store->own());
    CHECK(store->owned());
    CHECK(need(store->has_owner()));
    need(store->own());
    need(commit(*store, decided_step("e1", "ticket/1", 1)));
}

}  // namespace commit_test
