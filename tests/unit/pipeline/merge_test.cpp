#include "engine/pipeline/merge.h"

#include <random>

#include "tests/support/catch.h"
#include "tests/unit/pipeline/world.h"

namespace merge_test {

using namespace engine;
using engine::test::at;
using engine::test::event;

namespace {

const rules::Catalogue& catalogue() {
    static const auto shipped = rules::Catalogue::shipped();
    return shipped;
}

/// Merges and raises the version as a decision would.
Merged step(Entity& entity, const Event& event) {
    auto merged = merge(entity, event, catalogue());
    const auto version = entity.version + (merged.fields_differ ? 1 : 0);
    entity = merged.entity;
    entity.version = version;
    return merged;
}

Event update(const std::string& id, const Json& ticket, const std::string& time = "") {
    return event(id, "ticket.updated", "ticket/T1", Json{{"ticket", ticket}}, time);
}

Event created(const Json& ticket, const std::string& time = "") {
    return event("created", "ticket.created", "ticket/T1", Json{{"ticket", ticket}}, time);
}

std::vector<std::string> fields_of(const std::vector<Change>& changes) {
    std::vector<std::string> fields;
    for (const auto& change : changes) fields.push_back(change.field);
    return fields;
}

}  // namespace

TEST_CASE("merge: on creation every present field is a change from absent, and null is absent", "[merge]") {
    Entity entity;
    const auto merged =
        step(entity, created({{"status", "new"}, {"assignee", nullptr}, {"custom", {{"seats", 5}}}}));
    CHECK(fields_of(merged.changes) == std::vector<std::string>{"ticket.custom.seats", "ticket.status"});
    CHECK(merged.changes[0].from.is_null());
    CHECK(entity.fields == Json{{"status", "new"}, {"custom", {{"seats", 5}}}});
}

TEST_CASE("merge: missing stays, null removes, objects merge by key, arrays are replaced whole", "[merge]") {
    Entity entity;
    step(
        entity,
        created({{"subject", "a"}, {"priority", "low"}, {"custom", {{"x", 1}, {"y", 2}, {"list", {1, 2}}}}}));
    const auto merged =
        step(entity, update("2", {{"priority", nullptr}, {"custom", {{"y", 3}, {"list", {2}}}}}));
    CHECK(entity.fields == Json{{"subject", "a"}, {"custom", {{"x", 1}, {"y", 3}, {"list", {2}}}}});
    CHECK(fields_of(merged.changes) ==
          std::vector<std::string>{"ticket.custom.list", "ticket.custom.y", "ticket.priority"});
}

TEST_CASE("merge: tags in another order are the same tags", "[merge]") {
    Entity entity;
    step(entity, created({{"tags", {"a", "b"}}}));
    CHECK_FALSE(step(entity, update("2", {{"tags", {"b", "a"}}})).fields_differ);
    CHECK(step(entity, update("3", {{"tags", {"b"}}})).fields_differ);
}

TEST_CASE("merge: a payload that changes nothing makes no version but renews the times", "[merge]") {
    Entity entity;
    step(entity, created({{"status", "open"}}, "2026-01-01T10:00:00Z"));
    const auto same = step(entity, update("2", {{"status", "open"}}, "2026-01-01T12:00:00Z"));
    CHECK_FALSE(same.fields_differ);
    CHECK(same.changes.empty());
    CHECK(step(entity, update("3", {{"status", "closed"}}, "2026-01-01T11:00:00Z")).stale);
    CHECK(entity.fields["status"] == "open");
}

TEST_CASE("merge: an older value does not overwrite, an equal time does, and without a time nothing is stale",
          "[merge]") {
    Entity entity;
    step(entity, created({{"status", "open"}, {"priority", "low"}}, "2026-01-01T10:00:00Z"));
    CHECK(step(entity, update("2", {{"status", "solved"}}, "2026-01-01T09:59:59Z")).stale);
    CHECK(step(entity, update("3", {{"status", "pending"}}, "2026-01-01T10:00:00Z")).fields_differ);
    CHECK(step(entity, update("4", {{"status", "solved"}})).fields_differ);
    CHECK(entity.fields["status"] == "solved");
}

TEST_CASE("merge: a payload that is older in part is taken in part", "[merge]") {
    Entity entity;
    step(entity, created({{"status", "open"}}, "2026-01-01T10:00:00Z"));
    step(entity, update("2", {{"priority", "high"}}, "2026-01-01T08:00:00Z"));
    const auto merged =
        step(entity, update("3", {{"priority", "urgent"}, {"status", "closed"}}, "2026-01-01T09:00:00Z"));
    CHECK_FALSE(merged.stale);
    CHECK(entity.fields == Json{{"status", "open"}, {"priority", "urgent"}});
    CHECK(merged.notes.size() == 1);
}

TEST_CASE("merge: a field removed by the vendor stays removed against older payloads", "[merge]") {
    Entity entity;
    step(entity, created({{"assignee", "ana"}, {"status", "open"}}, "2026-01-01T10:00:00Z"));
    step(entity, update("2", {{"assignee", nullptr}, {"status", "open"}}, "2026-01-01T12:00:00Z"));
    step(entity, update("3", {{"assignee", "bob"}}, "2026-01-01T11:00:00Z"));
    CHECK(entity.fields == Json{{"status", "open"}});
}

TEST_CASE("merge: the first event of another type brings only what its source calls changed", "[merge]") {
    Entity entity;
    auto first = update("1", {{"status", "open"}, {"subject", "a"}});
    first.data["changes"] = Json{{"status", {"new", "open"}}};
    const auto merged = step(entity, first);
    CHECK(merged.fields_differ);
    REQUIRE(merged.changes.size() == 1);
    CHECK(merged.changes[0].field == "ticket.status");
    CHECK(merged.changes[0].from == "new");
    CHECK(entity.fields["subject"] == "a");
}

TEST_CASE("merge: a whole payload removes what it leaves out", "[merge]") {
    Entity entity;
    step(entity, created({{"status", "open"}, {"custom", {{"a", 1}, {"b", 2}}}}));
    auto whole = update("2", {{"status", "open"}, {"custom", {{"a", 1}}}});
    whole.full_merge = true;
    const auto merged = step(entity, whole);
    CHECK(fields_of(merged.changes) == std::vector<std::string>{"ticket.custom.b"});
    CHECK_FALSE(entity.fields["custom"].contains("b"));
}

TEST_CASE("merge: a deletion leaves a tombstone that older news do not undo and newer ones do", "[merge]") {
    Entity entity;
    step(entity, created({{"status", "open"}}, "2026-01-01T10:00:00Z"));
    auto deletion = event("2", "ticket.deleted", "ticket/T1", Json::object(), "2026-01-01T11:00:00Z");
    CHECK(step(entity, deletion).fields_differ);
    CHECK(entity.deleted);
    CHECK(step(entity, update("3", {{"priority", "high"}}, "2026-01-01T10:30:00Z")).stale);
    CHECK(entity.deleted);
    step(entity, update("4", {{"priority", "high"}}, "2026-01-01T12:00:00Z"));
    CHECK_FALSE(entity.deleted);
    CHECK(entity.fields == Json{{"priority", "high"}});
}

TEST_CASE("merge: the value from before our own undelivered write is an echo, another one is news",
          "[merge]") {
    Entity entity;
    step(entity, created({{"status", "open"}}, "2026-01-01T10:00:00Z"));
    apply(entity, {"ticket.status", "open", "pending", "rule", ""});
    entity.own_writes["status"] = {Json::array({"open"}), DeliveryKey("k")};
    const auto echo = step(entity, update("2", {{"status", "open"}}, "2026-01-01T11:00:00Z"));
    CHECK(entity.fields["status"] == "pending");
    CHECK(echo.notes.size() == 1);
    step(entity, update("3", {{"status", "solved"}}, "2026-01-01T12:00:00Z"));
    CHECK(entity.fields["status"] == "solved");
}

TEST_CASE("merge: our own write neither takes nor loses a vendor's time", "[merge]") {
    Entity entity;
    step(entity, created({{"status", "open"}}, "2026-01-01T10:00:00Z"));
    apply(entity, {"ticket.status", "open", "solved", "rule", ""});
    apply(entity, {"ticket.queue", nullptr, "billing", "rule", ""});
    CHECK(step(entity, update("2", {{"status", "open"}}, "2026-01-01T09:00:00Z")).stale);
    step(entity, update("3", {{"queue", "support"}}, "2026-01-01T09:00:00Z"));
    CHECK(entity.fields["queue"] == "support");
}

TEST_CASE("merge: fields nobody declared are kept", "[merge]") {
    Entity entity;
    step(entity, created({{"mood", "odd"}, {"status", "resolved"}}));
    CHECK(entity.fields == Json{{"mood", "odd"}, {"status", "resolved"}});
}

namespace {

/// The rule in one sentence, told slowly: each field has the value of its newest write.
struct Model {
    std::map<std::string, std::pair<std::optional<Instant>, Json>> fields;

    void take(const Json& payload, std::optional<Instant> time) {
        for (const auto& [name, value] : payload.items()) {
            auto& [last, current] = fields[name];
            if (time && last && *time < *last) continue;
            current = value;
            if (time) last = time;
        }
    }
    Json document() const {
        Json out = Json::object();
        for (const auto& [name, entry] : fields)
            if (!entry.second.is_null()) out[name] = entry.second;
        return out;
    }
};

}  // namespace

TEST_CASE("merge: any order of any payloads ends as the newest write of each field says", "[merge][random]") {
    const unsigned seed = 20260302;
    INFO("seed " << seed);
    std::mt19937 random(seed);
    const std::vector<std::string> names{"a", "b", "c", "d"};
    for (int round = 0; round < 500; ++round) {
        Entity entity;
        Model model;
        for (int i = 0; i < 12; ++i) {
            Json payload = Json::object();
            for (const auto& name : names)
                if (random() % 2 == 0) payload[name] = random() % 4 == 0 ? Json() : Json(random() % 3);
            std::string time;
            if (random() % 5 != 0) time = "2026-01-01T10:00:0" + std::to_string(random() % 9) + "Z";
            step(entity, update(std::to_string(i), payload, time));
            model.take(payload, time.empty() ? std::nullopt : std::optional(at(time)));
            INFO("round " << round << " payload " << canonical_json(payload) << " at " << time);
            REQUIRE(entity.fields == model.document());
        }
    }
}

}  // namespace merge_test
