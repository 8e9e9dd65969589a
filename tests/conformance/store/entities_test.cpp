#include "tests/conformance/store/support.h"

namespace entities_test {

using namespace engine;
using namespace store_tests;

namespace {

Result<void> write(Store& store, Entity entity) {
    Step step = step_at(1);
    step.tenant = entity.tenant;
    step.entities = {std::move(entity)};
    return commit(store, step);
}

std::string subject_by_email(Store& store, const std::string& kind, const std::string& email) {
    const auto found = need(store.entity_by_email(acme, kind, email));
    return found ? found->subject.text() : "nothing";
}

std::vector<std::string> subjects_of(const std::vector<Entity>& entities) {
    std::vector<std::string> subjects;
    for (const auto& entity : entities) subjects.push_back(entity.subject.text());
    return subjects;
}

using Names = std::vector<std::string>;

Entity routed(const std::string& about, std::uint64_t version) {
    auto entity = entity_of(about, version, {{"n", version}});
    entity.routing = {{"queue", "billing"}};
    return entity;
}

Entity rated(const std::string& about, std::uint64_t version, int until) {
    auto entity = entity_of(about, version, {{"n", version}});
    entity.rates = {{"until", to_text(at(until))}};
    return entity;
}

Names watched_at(Store& store, int seconds) {
    return subjects_of(need(store.watched(acme, at(seconds), "", 10)));
}

}  // namespace

TEST_CASE("entities: every value of the fields and what is beside them come back equal", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    Entity entity = entity_of("ticket/desk:1", 1,
                              {{"big", 9007199254740993},
                               {"huge", 18446744073709551615u},
                               {"small", -9007199254740993},
                               {"float", 5.0},
                               {"tiny", 1e-300},
                               {"text", "\xC3\xA9\x01\"\\ \xF0\x9F\x8E\x89"},
                               {"nested", {{"a", {1, nullptr, {{"b", true}}}}}},
                               {"empty", ""}});
    entity.times.base = at(7);
    entity.times.others = {{"status", at(9)}, {"custom.seats", std::nullopt}};
    entity.own_writes["priority"].delivery = DeliveryKey("k1");
    need(write(*store, entity));

    CHECK(*need(store->entity(acme, entity.subject)) == entity);
    CHECK(need(store->entity(acme, entity.subject))->fields["float"].is_number_float());
    CHECK_FALSE(need(store->entity(other_tenant, entity.subject)));
    CHECK_FALSE(need(store->entity(acme, subject("ticket/desk:2"))));
}

TEST_CASE("entities: a tombstone is kept and its next version lives again", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    need(write(*store, entity_of("contact/1", 1, {{"email", "a@example.com"}})));
    Entity gone = entity_of("contact/1", 2, {{"email", "a@example.com"}});
    gone.deleted = true;
    need(write(*store, gone));
    CHECK(need(store->entity(acme, gone.subject))->deleted);
    CHECK(subject_by_email(*store, "contact", "a@example.com") == "nothing");
    need(write(*store, entity_of("contact/1", 3, {{"email", "a@example.com"}})));
    CHECK(subject_by_email(*store, "contact", "a@example.com") == "contact/1");
}

TEST_CASE("entities: they are found by e-mail, trimmed and in any case", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    need(write(*store, entity_of("contact/1", 1, {{"email", "  Jo.Doe@Example.COM "}})));
    need(write(*store, entity_of("lead/1", 1, {{"email", "jo.doe@example.com"}})));
    need(write(*store, entity_of("contact/2", 1, {{"email", 5}})));
    need(write(*store, entity_of("contact/3", 1, {{"email", "  "}})));
    need(write(*store, entity_of("contact_old/4", 1, {{"email", "old@example.com"}})));

    CHECK(subject_by_email(*store, "contact", "jo.doe@example.com") == "contact/1");
    CHECK(subject_by_email(*store, "contact", "\tJO.DOE@example.com\n") == "contact/1");
    CHECK(subject_by_email(*store, "lead", "jo.doe@example.com") == "lead/1");
    CHECK(subject_by_email(*store, "contact", "old@example.com") == "nothing");
    CHECK(subject_by_email(*store, "contact", "") == "nothing");
    CHECK_FALSE(need(store->entity_by_email(other_tenant, "contact", "jo.doe@example.com")));
}

TEST_CASE("entities: all with one e-mail are found one after the other", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    for (const auto* name : {"contact/2", "contact/1", "lead/1", "contact/3"})
        need(write(*store, entity_of(name, 1, {{"email", "jo@example.com"}})));
    std::vector<std::string> found;
    auto next = need(store->entity_by_email(acme, "contact", "jo@example.com"));
    while (next) {
        found.push_back(next->subject.text());
        next = need(store->entity_by_email(acme, "contact", "jo@example.com", found.back()));
    }
    CHECK(found == std::vector<std::string>{"contact/1", "contact/2", "contact/3"});
}

TEST_CASE("entities: a changed or removed e-mail finds no longer", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    need(write(*store, entity_of("contact/1", 1, {{"email", "old@example.com"}})));

    SECTION("changed") {
        need(write(*store, entity_of("contact/1", 2, {{"email", "new@example.com"}})));
        CHECK(subject_by_email(*store, "contact", "new@example.com") == "contact/1");
    }
    SECTION("removed") {
        need(write(*store, entity_of("contact/1", 2, {{"name", "Jo"}})));
    }
    SECTION("changed there and back inside one commit") {
        Step first = step_at(1);
        first.entities = {entity_of("contact/1", 2, {{"email", "old@example.com"}, {"n", 1}})};
        Step second = step_at(1);
        second.entities = {entity_of("contact/1", 3, {{"email", "x@example.com"}})};
        need(commit(*store, {first, second}));
        CHECK(subject_by_email(*store, "contact", "x@example.com") == "contact/1");
    }
    CHECK(subject_by_email(*store, "contact", "old@example.com") == "nothing");
}

TEST_CASE("entities: of two with one e-mail the first subject is found", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    need(write(*store, entity_of("contact/b", 1, {{"email", "a@example.com"}})));
    need(write(*store, entity_of("contact/a", 1, {{"email", "a@example.com"}})));
    CHECK(subject_by_email(*store, "contact", "a@example.com") == "contact/a");
}

TEST_CASE("entities: a kind is listed page by page in order of subject", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    for (const auto* about :
         {"ticket/3", "ticket/1", "ticket/desk:2", "ticketing/1", "contact/1", "ticket/2"})
        need(write(*store, entity_of(about, 1, {{"a", 1}})));
    Entity foreign = entity_of("ticket/0", 1, {{"a", 1}});
    foreign.tenant = other_tenant;
    need(write(*store, foreign));

    CHECK(subjects_of(need(store->entities(acme, "ticket", "", 10))) ==
          Names{"ticket/1", "ticket/2", "ticket/3", "ticket/desk:2"});
    CHECK(subjects_of(need(store->entities(acme, "ticket", "ticket/1", 2))) == Names{"ticket/2", "ticket/3"});
    CHECK(subjects_of(need(store->entities(acme, "ticket", "ticket/desk:2", 2))).empty());
    CHECK(subjects_of(need(store->entities(acme, "tick", "", 10))).empty());
    CHECK(subjects_of(need(store->entities(other_tenant, "ticket", "", 10))) == Names{"ticket/0"});
}

TEST_CASE("entities: what other lanes look at is listed for as long as they do, page by page", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    need(write(*store, rated("ticket/4", 1, 200)));
    need(write(*store, rated("ticket/2", 1, 100)));
    need(write(*store, routed("ticket/3", 1)));
    need(write(*store, routed("agent/1", 1)));
    need(write(*store, entity_of("ticket/1", 1, {{"a", 1}})));
    auto foreign = routed("ticket/0", 1);
    foreign.tenant = other_tenant;
    need(write(*store, foreign));

    CHECK(watched_at(*store, 99) == Names{"agent/1", "ticket/2", "ticket/3", "ticket/4"});
    CHECK(watched_at(*store, 100) == Names{"agent/1", "ticket/3", "ticket/4"});
    CHECK(watched_at(*store, 200) == Names{"agent/1", "ticket/3"});
    CHECK(subjects_of(need(store->watched(acme, at(0), "agent/1", 2))) == Names{"ticket/2", "ticket/3"});
    CHECK(subjects_of(need(store->watched(acme, at(0), "ticket/2", 9))) == Names{"ticket/3", "ticket/4"});
    CHECK(need(store->watched(acme, at(0), "ticket/4", 9)).empty());
    CHECK(need(store->watched(acme, at(0), "agent/1", 1)).front() == rated("ticket/2", 1, 100));
    CHECK(subjects_of(need(store->watched(other_tenant, at(0), "", 9))) == Names{"ticket/0"});
    CHECK(need(store->watched(TenantName("nobody"), at(0), "", 9)).empty());
}

TEST_CASE("entities: until when other lanes look at one moves with it, and ends with it", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    const bool remembered = GENERATE(true, false);
    INFO(backend.name << (remembered ? ", remembered" : ", opened again"));
    OpenStore store(backend);
    need(write(*store, rated("ticket/1", 1, 100)));
    need(write(*store, entity_of("ticket/2", 1, {{"email", "a@example.com"}})));
    need(write(*store, routed("ticket/3", 1)));
    if (!remembered && backend.lasting) store.reopen();

    SECTION("moved") {
        need(write(*store, rated("ticket/1", 2, 300)));
        CHECK(watched_at(*store, 200) == Names{"ticket/1", "ticket/3"});
        CHECK(watched_at(*store, 300) == Names{"ticket/3"});
    }
    SECTION("set, with the version and the fields as they were") {
        auto changed = entity_of("ticket/2", 1, {{"email", "a@example.com"}});
        changed.routing = {{"queue", "billing"}};
        need(write(*store, changed));
        CHECK(watched_at(*store, 200) == Names{"ticket/2", "ticket/3"});
        CHECK(subject_by_email(*store, "ticket", "a@example.com") == "ticket/2");
    }
    SECTION("no longer routed") {
        need(write(*store, entity_of("ticket/3", 2, {{"n", 2}})));
        CHECK(watched_at(*store, 0) == Names{"ticket/1"});
    }
    SECTION("no longer routed, and still counted") {
        need(write(*store, rated("ticket/3", 2, 100)));
        CHECK(watched_at(*store, 0) == Names{"ticket/1", "ticket/3"});
        CHECK(watched_at(*store, 100).empty());
    }
    SECTION("there and back inside one commit") {
        Step first = step_at(1);
        first.entities = {routed("ticket/2", 2), entity_of("ticket/3", 2, {{"n", 2}})};
        Step second = step_at(1);
        second.entities = {entity_of("ticket/2", 3, {{"n", 3}}), routed("ticket/3", 3)};
        need(commit(*store, {first, second}));
        CHECK(watched_at(*store, 200) == Names{"ticket/3"});
    }
}

}  // namespace entities_test
