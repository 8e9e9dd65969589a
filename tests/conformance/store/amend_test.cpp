#include "tests/conformance/store/support.h"

namespace amend_test {

using namespace engine;
using namespace store_tests;

namespace {

Amendment amendment() {
    Amendment made;
    made.tenant = acme;
    return made;
}

std::vector<std::string> subjects_of(const std::vector<Entity>& entities) {
    std::vector<std::string> subjects;
    for (const auto& entity : entities) subjects.push_back(entity.subject.text());
    return subjects;
}

}  // namespace

TEST_CASE("amend: entities are what is said, whatever is stored, and go on from there", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    Step step = step_at(1);
    step.entities = {entity_of("contact/1", 1, Json{{"email", "a@x.org"}}),
                     entity_of("ticket/2", 1, Json::object())};
    need(commit(*store, step));

    auto change = amendment();
    change.entities = {entity_of("contact/1", 7, Json{{"email", "b@x.org"}}),
                       entity_of("ticket/2", 0, Json::object()),
                       entity_of("ticket/3", 4, Json{{"status", "new"}})};
    change.entities[2].deleted = true;
    need(store->amend(change));
    need(store->amend(change));
    CHECK(text_of(need(store->entity(acme, subject("contact/1")))) == text_of(change.entities[0]));
    CHECK(need(store->entity(acme, subject("ticket/2")))->known() == false);
    CHECK(text_of(need(store->entity(acme, subject("ticket/3")))) == text_of(change.entities[2]));
    CHECK_FALSE(need(store->entity_by_email(acme, "contact", "a@x.org")));
    CHECK(need(store->entity_by_email(acme, "contact", "b@x.org")));

    Step next = step_at(2);
    next.entities = {entity_of("contact/1", 8, Json::object()), entity_of("ticket/2", 1, Json::object())};
    need(commit(*store, next));
}

TEST_CASE("amend: what other lanes look at is what is said, whatever is stored", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    Step step = step_at(1);
    step.entities = {entity_of("ticket/1", 1, Json::object()), entity_of("ticket/2", 1, Json::object()),
                     entity_of("ticket/3", 1, Json::object())};
    step.entities[0].routing = {{"queue", "billing"}};
    step.entities[1].routing = {{"queue", "billing"}};
    need(commit(*store, step));

    auto change = amendment();
    change.entities = {entity_of("ticket/1", 1, Json::object()), entity_of("ticket/2", 1, Json::object()),
                       entity_of("ticket/3", 1, Json::object()), entity_of("ticket/4", 1, Json::object())};
    change.entities[1].rates = {{"until", to_text(at(100))}};
    change.entities[2].routing = {{"queue", "billing"}};
    change.entities[3].routing = {{"queue", "billing"}};
    need(store->amend(change));
    CHECK(subjects_of(need(store->watched(acme, at(0), "", 9))) ==
          std::vector<std::string>{"ticket/2", "ticket/3", "ticket/4"});
    CHECK(subjects_of(need(store->watched(acme, at(100), "", 9))) ==
          std::vector<std::string>{"ticket/3", "ticket/4"});

    Step next = step_at(2);
    next.entities = {entity_of("ticket/3", 2, Json::object())};
    need(commit(*store, next));
    CHECK(subjects_of(need(store->watched(acme, at(100), "", 9))) == std::vector<std::string>{"ticket/4"});
}

TEST_CASE("amend: known events and counters are put right, and counters never go back", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    need(commit(*store, decided_step("e1", "ticket/1", 0)));
    auto seen = *need(store->seen(key_of("e1")));
    seen.decision_seq = 41;
    seen.content_digest = sha256("other");
    auto unknown = seen;
    unknown.key = key_of("e2");
    auto change = amendment();
    change.seen = {seen, unknown};
    change.counters[3] = {20, 30};
    need(store->amend(change));
    CHECK(text_of(need(store->seen(key_of("e1")))) == text_of(seen));
    CHECK(text_of(need(store->seen(key_of("e2")))) == text_of(unknown));
    CHECK(need(store->counters(3)) == std::pair<std::uint64_t, std::uint64_t>(20, 30));
    change.counters[3] = {2, 31};
    need(store->amend(change));
    CHECK(need(store->counters(3)) == std::pair<std::uint64_t, std::uint64_t>(20, 31));

    unknown.stream = "p15";
    auto wrong = amendment();
    wrong.entities = {entity_of("ticket/9", 1, Json::object())};
    wrong.seen = {unknown};
    const auto refused = store->amend(wrong);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::invalid_input);
    CHECK_FALSE(need(store->entity(acme, subject("ticket/9"))));
}

TEST_CASE("amend: only the owner does", "[store]") {
    const auto backend = GENERATE(from_range(lasting_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    auto other = store.another();
    const auto refused = other->amend(amendment());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::denied);
}

TEST_CASE("entities: without a kind, those of every kind are listed", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    Step step = step_at(1);
    for (const auto* about : {"ticket/2", "contact/1", "zone/z", "ticket/1"})
        step.entities.push_back(entity_of(about, 1, Json::object()));
    need(commit(*store, step));
    using Subjects = std::vector<std::string>;
    CHECK(subjects_of(need(store->entities(acme, "", "", 10))) ==
          Subjects{"contact/1", "ticket/1", "ticket/2", "zone/z"});
    CHECK(subjects_of(need(store->entities(acme, "", "ticket/1", 1))) == Subjects{"ticket/2"});
    CHECK(need(store->entities(other_tenant, "", "", 10)).empty());
}

TEST_CASE("continuations: all of a tenant are listed by id, page by page", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    Step step = step_at(1);
    step.continuations_set = {continuation_of("c2", "ticket/1"), continuation_of("c1", "ticket/2"),
                              continuation_of("c3", "ticket/1")};
    need(commit(*store, step));
    const auto all = need(store->all_continuations(acme, "", 10));
    REQUIRE(all.size() == 3);
    CHECK(text_of(all[0]) == text_of(step.continuations_set[1]));
    CHECK(all[2].id == "c3");
    CHECK(need(store->all_continuations(acme, "c1", 1))[0].id == "c2");
    CHECK(need(store->all_continuations(other_tenant, "", 10)).empty());
}

}  // namespace amend_test
