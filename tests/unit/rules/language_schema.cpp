#include <set>

#include "engine/base/json.h"
#include "rules/language/calendars.h"
#include "rules/language/conditions.h"
#include "rules/language/fields.h"
#include "rules/language/load.h"
#include "rules/language/on_call.h"
#include "rules/language/options.h"
#include "rules/language/routing.h"
#include "rules/language/rule_reader.h"
#include "rules/language/scoring.h"
#include "rules/language/scripts.h"
#include "rules/language/sla.h"
#include "rules/language/steps.h"
#include "rules/language/tagging.h"
#include "tests/support/catch.h"
#include "tests/unit/rules/language_support.h"

namespace language_schema {

using engine::Json;

namespace {

using Names = std::set<std::string>;

Json schema(const std::string& name) {
    const auto parsed = engine::parse_json(rules::read_file("schema/" + name + ".schema.json"));
    INFO(name << (parsed ? "" : ": " + parsed.error().message));
    REQUIRE(parsed);
    return *parsed;
}

Names keys_at(const Json& root, const std::string& path) {
    const Json* found = engine::find(root, path);
    INFO(path);
    REQUIRE(found != nullptr);
    Names names;
    for (const auto& [key, value] : found->items()) names.insert(key);
    return names;
}

Names set_of(const std::vector<std::string>& names) {
    return {names.begin(), names.end()};
}

Names with(Names names, std::initializer_list<std::string> more) {
    names.insert(more);
    return names;
}

/// Every `$ref` of the schema.
void collect_references(const Json& node, Names& into) {
    if (node.is_object() && node.contains("$ref")) into.insert(node.at("$ref").get<std::string>());
    if (node.is_structured())
        for (const auto& child : node) collect_references(child, into);
}

}  // namespace

TEST_CASE("schema: every file is a JSON Schema that old editors read too", "[language]") {
    for (const char* name : {"rules", "tenant", "fields", "connections", "calendars", "sla", "tagging",
                             "scoring", "routing", "tests"}) {
        const auto root = schema(name);
        CHECK(engine::text_or(root, "$schema", "") == "http://json-schema.org/draft-07/schema#");
        CHECK_FALSE(engine::text_or(root, "title", "").empty());
        Names references;
        collect_references(root, references);
        for (const auto& reference : references) {
            INFO(name << " " << reference);
            REQUIRE(reference.starts_with("#/definitions/"));
            CHECK(root.at("definitions").contains(reference.substr(14)));
        }
    }
}

TEST_CASE("schema: the operators are those the loader knows", "[language]") {
    CHECK(keys_at(schema("rules"), "definitions.operators.properties") ==
          with(set_of(rules::operator_names()), {"case"}));
}

TEST_CASE("schema: the steps are those the loader knows", "[language]") {
    const auto step = schema("rules").at("definitions").at("step").at("anyOf").at(1);
    CHECK(keys_at(step, "properties") ==
          with(set_of(rules::step_names()), {"then", "else", "as", "save", "order", "recheck", "expires"}));
}

TEST_CASE("schema: the keys of conditions, rules and files are those the loader knows", "[language]") {
    const auto root = schema("rules");
    CHECK(keys_at(root, "definitions.condition.properties") == with(set_of(rules::group_names()), {"lua"}));
    CHECK(keys_at(root, "definitions.rule.properties") == set_of(rules::RuleReader::key_names()));
    CHECK(keys_at(root, "properties") == set_of(rules::rule_file_keys()));
    CHECK(keys_at(root, "properties.limits.properties") == set_of(rules::OptionsReader::limit_names()));
    CHECK(keys_at(schema("tenant"), "properties") == set_of(rules::tenant_keys()));
    CHECK(keys_at(schema("tenant"), "properties.scripts.properties") == set_of(rules::script_limit_names()));
}

TEST_CASE("schema: the keys of a calendar are those the loader knows", "[language]") {
    CHECK(keys_at(schema("calendars"), "definitions.calendar.properties") == set_of(rules::calendar_keys()));
}

TEST_CASE("schema: the keys and metrics of a service level are those the loader knows", "[language]") {
    const auto root = schema("sla");
    CHECK(keys_at(root, "definitions.policy.properties") == set_of(rules::sla_policy_keys()));
    CHECK(keys_at(root, "definitions.metric.properties") == set_of(rules::sla_target_keys()));
    CHECK(keys_at(root, "definitions.policy.properties.targets.properties") ==
          set_of(rules::sla_metric_names()));
}

TEST_CASE("schema: the keys of tagging are those the loader knows", "[language]") {
    const auto root = schema("tagging");
    CHECK(keys_at(root, "properties") == set_of(rules::tagging_keys()));
    CHECK(keys_at(root, "properties.limits.properties") == set_of(rules::tagging_limit_keys()));
    CHECK(keys_at(root, "definitions.entry.properties") == set_of(rules::tag_entry_keys()));
    CHECK(keys_at(root, "definitions.list.properties") == set_of(rules::tag_list_keys()));
    CHECK(keys_at(root, "definitions.search.properties") == set_of(rules::text_search_keys()));
}

TEST_CASE("schema: the keys of routing are those the loader knows", "[language]") {
    const auto root = schema("routing");
    const auto keys_of = [&](const std::string& name) {
        return keys_at(root, "definitions." + name + ".properties");
    };
    CHECK(keys_at(root, "properties") == set_of(rules::routing_keys()));
    CHECK(keys_of("agent") == set_of(rules::agent_keys()));
    CHECK(keys_of("team") == set_of(rules::team_keys()));
    CHECK(keys_of("channel") == set_of(rules::channel_keys()));
    CHECK(keys_of("queue") == set_of(rules::queue_keys()));
    CHECK(keys_of("overflow") == set_of(rules::overflow_keys()));
    CHECK(keys_of("on_call") == set_of(rules::on_call_keys()));
    CHECK(keys_of("rotation") == set_of(rules::on_call_rotation_keys()));
    CHECK(keys_of("override") == set_of(rules::on_call_override_keys()));
    CHECK(keys_of("escalation") == set_of(rules::escalation_keys()));
    CHECK(keys_of("level") == set_of(rules::escalation_level_keys()));
    CHECK(keys_of("target") == set_of(rules::notify_target_keys()));
    CHECK(keys_of("repeat") == set_of(rules::escalation_repeat_keys()));
    CHECK(keys_of("acknowledged") == set_of(rules::acknowledged_keys()));
    CHECK(keys_of("ends") == set_of(rules::ends_keys()));
}

TEST_CASE("schema: the keys of scoring are those the loader knows", "[language]") {
    const auto root = schema("scoring");
    CHECK(keys_at(root, "definitions.score.properties") == set_of(rules::score_keys()));
    CHECK(keys_at(root, "definitions.group.properties") == set_of(rules::score_group_keys()));
    CHECK(keys_at(root, "definitions.entry.properties") == set_of(rules::score_entry_keys()));
    CHECK(keys_at(root, "definitions.frequency.properties") == set_of(rules::score_frequency_keys()));
    CHECK(keys_at(root, "definitions.decay.properties") == set_of(rules::score_decay_keys()));
    CHECK(keys_at(root, "definitions.band.properties") == set_of(rules::score_band_keys()));
}

TEST_CASE("schema: the field types are those the loader knows", "[language]") {
    Names names;
    const auto root = schema("fields");
    for (const auto& name : root.at("definitions").at("type").at("enum"))
        names.insert(name.get<std::string>());
    CHECK(names == set_of(rules::field_type_names()));
}

}  // namespace language_schema
