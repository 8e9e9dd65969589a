// Rules in Lua: what is read of them is what the same words in YAML would be, and nothing of them is run.
#include <random>
#include <set>

#include "rules/checker/step_text.h"
#include "rules/script.h"
#include "rules/script_rule.h"
#include "tests/support/catch.h"
#include "tests/unit/rules/language_support.h"

namespace language_lua_rules {

namespace {

using rules::Files;

rules::Loaded load_lua(const std::string& source) {
    return rules::load_files({{"rules/10-a.lua", source}, {"calendars.yaml", rules::test_calendars}});
}

/// A rule with these statements between its first line and its last.
std::string rule_of(const std::string& statements) {
    return "local rule = { id = 'r', on = 'ticket.updated' }\n" + statements +
           "\nfunction rule.run(ctx) ctx.add_tags('seen') end\nreturn rule\n";
}

/// The condition as text; what is wrong with it when it cannot be read.
std::string condition_of(const rules::Loaded& loaded) {
    if (!loaded.rule_set) return loaded.text();
    return rules::text_of(loaded.rule_set->rules.at(0).when) + loaded.text();
}

}  // namespace

TEST_CASE("lua rules: all that a rule has can be said in Lua", "[language]") {
    const auto loaded =
        rules::load_files({{"rules.yaml", "groups: { desk: { first_match: true } }\n"}, {"rules/10-a.lua", R"(
-- Who is asked first.
local rule = { id = "vip-first", order = -10; ["repeat"] = true }
rule.description = [[
First in, first out]]
rule.on = { "ticket.created", 'ticket.*' }
rule.group = "desk"
rule.stop = true
rule.enabled = true
rule["on_error"] = "event"
rule.accept = { ["write-conflict"] = "The later one knows more" }
rule.when = { ["ticket.channel"] = "app" }

local function helper(ctx)
  repeat local done = true until done
  for _, tag in ipairs({ "a" }) do ctx.add_tags(tag) end
end

function rule.run(ctx)
  if ctx.ticket then helper(ctx) end
  ctx.log(rule.id, rule["on"])
end

return rule;
)"}});
    REQUIRE(loaded.text().empty());
    REQUIRE(loaded.rule_set->rules.size() == 1);
    const auto& rule = loaded.rule_set->rules[0];
    CHECK(rule.id == "vip-first");
    CHECK(rule.description == "First in, first out");
    CHECK(rule.on == std::vector<std::string>{"ticket.created", "ticket.*"});
    CHECK(rule.order == -10);
    CHECK(rule.group == "desk");
    CHECK(rule.stop);
    CHECK(rule.repeat);
    CHECK(rule.on_error == rules::OnError::event);
    REQUIRE(rule.accepts.size() == 1);
    CHECK(rule.accepts[0].reason == "The later one knows more");
    CHECK(rule.place == engine::Place{"rules/10-a.lua", 3, 7});
    REQUIRE(rule.then.size() == 1);
    CHECK(rules::text_of(rule.then) == R"([{"lua":"rules/10-a.lua#run","with":null}])");
    CHECK(rule.then[0].place.line == 19);
}

TEST_CASE("lua rules: conditions in a table are those of YAML", "[language]") {
    const std::vector<std::pair<std::string, std::string>> same{
        {R"({ ["ticket.status"] = "open" })", "{ ticket.status: open }"},
        {R"({ ["ticket.status"] = { "open", "new", }, ["ticket.channel"] = { ne = "app" } })",
         "{ ticket.status: [open, new], ticket.channel: { ne: app } }"},
        {R"({ all = { { ["ticket.subject"] = { contains = { "Umlaut ü", 'say \"hi\"' }, case = true } },
                      { ["ticket.tags"] = { has_any = { "a" }, has_none = { "b" } } } } })",
         "{ all: [ { ticket.subject: { contains: [ 'Umlaut ü', 'say \"hi\"' ], case: true } }, { "
         "ticket.tags: { "
         "has_any: [a], has_none: [b] } } ] }"},
        {R"({ any = { { ["contact.custom.arr"] = { gte = 50000 } }, { ["ticket.custom.x"] = { between = { -1.5, 2e+1 } } } } })",
         "{ any: [ { contact.custom.arr: { gte: 50000 } }, { ticket.custom.x: { between: [ -1.5, 2e+1 ] } } "
         "] }"},
        {R"({ ["not"] = { ["ticket.assignee"] = { exists = true } }, none = { { ["ticket.type"] = "task" } } })",
         "{ not: { ticket.assignee: { exists: true } }, none: [ { ticket.type: task } ] }"},
        {R"({ ["ticket.subject"] = { matches = [[INC\d{5}]] } })",
         R"({ ticket.subject: { matches: 'INC\d{5}' } })"},
        {R"({ ["ticket.subject"] = "a\tb\\\x41\65\u{20AC}\z
               c" })",
         R"({ ticket.subject: "a\tb\\AA€c" })"},
        {R"({ ["ticket.created_at"] = { older_than = "2d" }, now = { within_hours = "support" } })",
         "{ ticket.created_at: { older_than: 2d }, now: { within_hours: support } }"},
        {R"({ ["ticket.requester.id"] = { count_over = { at_least = 3, within = "1h" } } })",
         "{ ticket.requester.id: { count_over: { at_least: 3, within: 1h } } }"},
        {R"({ ["ticket.priority"] = { changed_to = { "high", "urgent" } } })",
         "{ ticket.priority: { changed_to: [high, urgent] } }"},
    };
    for (const auto& [lua, yaml] : same) {
        INFO(lua);
        const auto expected = rules::load_when(yaml);
        REQUIRE(expected.text().empty());
        CHECK(condition_of(load_lua(rule_of("rule.when = " + lua))) == condition_of(expected));
    }
}

TEST_CASE("lua rules: mistakes in conditions are told of at their places, as in YAML", "[language]") {
    CHECK(load_lua(rule_of("rule.when = {\n  [\"ticket.staus\"] = \"open\" }")).text() ==
          "rules/10-a.lua:3:4: error: unknown field \"ticket.staus\", did you mean \"ticket.status\"? "
          "[unknown-field]\n");
    CHECK(load_lua(rule_of("rule.when = { ['ticket.subject'] = 'ä', ['ticket.status'] = \"opn\" }")).text() ==
          "rules/10-a.lua:2:61: error: \"opn\" is no value of ticket.status, did you mean \"open\"? (new, "
          "open, "
          "pending, on_hold, solved, closed) [unknown-enum-value]\n");
    CHECK(load_lua(rule_of("rule.when = { ['ticket.seats'] = { equals = 1 } }")).says("[unknown-operator]"));
    CHECK(load_lua(rule_of("rule.when = { ['ticket.message_count'] = '5' }")).says("[wrong-type]"));
    CHECK(load_lua(rule_of("rule.when = {}")).says("[empty-condition]"));
}

TEST_CASE("lua rules: conditions may be a function, alone or beside fields", "[language]") {
    const auto alone = load_lua(rule_of("function rule.when(ctx) return true end"));
    CHECK(condition_of(alone) == R"(["lua","lua","rules/10-a.lua#when",false])");
    CHECK(condition_of(load_lua(rule_of("rule.when = function(ctx) return true end"))) ==
          condition_of(alone));
    CHECK(
        condition_of(load_lua(rule_of("rule.when = { ['ticket.channel'] = 'app', lua = function(ctx) return "
                                      "true end }"))) ==
        R"([0,[["lua","lua","rules/10-a.lua#when.lua",false],["ticket.channel","eq","app",false]]])");
}

TEST_CASE("lua rules: a rule file in Lua has its place in the order of files", "[language]") {
    const auto rule = [](const std::string& id) {
        return "local rule = { id = '" + id +
               "', on = 'ticket.created' }\nfunction rule.run() end\nreturn rule";
    };
    const auto yaml = [](const std::string& id) {
        return "rules: [ { id: " + id + ", on: ticket.created, then: [] } ]";
    };
    const auto loaded = rules::load_files({{"rules/20.lua", rule("c")},
                                           {"rules/10.yaml", yaml("b")},
                                           {"rules/30/a.yaml", yaml("d")},
                                           {"rules/30/b.lua", rule("e")},
                                           {"rules/05.lua", rule("a")}});
    CHECK(loaded.text().empty());
    std::string ids;
    for (const auto& one : loaded.rule_set->rules) ids += one.id;
    CHECK(ids == "abcde");
    CHECK(load_lua("local rule = { id = 'r', on = 'ticket.created', enabled = false }\n"
                   "function rule.run() end\nreturn rule")
              .rule_set->rules.empty());
    CHECK(rules::load_files({{"rules/10.lua", rule("a")}, {"rules/20.yaml", yaml("a")}})
              .says("[duplicate-id]"));
}

TEST_CASE("lua rules: their files are scripts of the rule set, and part of its version", "[language]") {
    const Files files{{"rules/10-a.lua", rule_of("")}, {"scripts/b.lua", "return {}"}};
    const auto loaded = rules::load_files(files);
    REQUIRE(loaded.rule_set);
    REQUIRE(loaded.rule_set->scripts->files.size() == 2);
    CHECK(loaded.rule_set->scripts->files[0].name == "rules/10-a.lua");
    auto other = files;
    other["rules/10-a.lua"] += "-- changed\n";
    CHECK(rules::version_of(other) != rules::version_of(files));
    other["rules/10-a.lua"] = std::string(40'000, '-');
    CHECK(rules::load_files(other).says("raise source_bytes_max below scripts in tenant.yaml"));
}

TEST_CASE("lua rules: what a rule may write stands in its code, not in its conditions", "[language]") {
    const rules::ScriptFile file{"rules/10-a.lua",
                                 "local rule = { id = 'r', on = { 'ticket.created' } }\nrule.when = { "
                                 "['ticket.status'] = 'open' }\nlocal target = 'ticket.group'\nfunction "
                                 "rule.run(ctx) ctx.set('ticket.priority', 'high') end return rule"};
    CHECK(rules::texts_in(file) == std::vector<std::string>{"ticket.group", "ticket.priority", "high"});
}

TEST_CASE("lua rules: a mutated file gives a rule set or at least one error, of a listed class, in its file",
          "[language]") {
    const std::string valid = R"lua(-- A rule
local rule = { id = "vip-first", order = 10, ["repeat"] = false }
rule.on = { "ticket.created", 'ticket.*' }
rule.when = {
  ["ticket.channel"] = { "app", "web" }, ["ticket.subject"] = { contains = [==[re]]fund]==], case = true };
  any = { { ["ticket.custom.seats"] = { gt = -1.5e3 } }, { ["not"] = { ["ticket.tags"] = { has = "\u{e9}\65" } } } },
  lua = function(ctx) return ctx.ticket.custom ~= nil end,
}
function rule.run(ctx)
  for i = 1, 3 do if i > 1 then ctx.log(i) end end
  repeat ctx.add_tags("seen") until true
end
return rule
)lua";
    CHECK(load_lua(valid).text().empty());
    std::set<std::string> listed;
    for (const auto& entry : rules::diagnostic_classes()) listed.insert(entry.kind);
    const unsigned seed = 20'261'122;
    INFO("seed " << seed);
    std::mt19937 random(seed);
    const std::vector<std::string> words{"rule",     ".",   "=",   "{",      "}",  "[",     "]",
                                         "end",      ",",   "\"",  "'",      "[[", "]]",    "-",
                                         "function", "nil", "..",  "local ", "\\", "\xC3",  "--[",
                                         "return ",  "(",   "do ", "rule.",  ";",  "until "};
    for (int round = 0; round < 1500; ++round) {
        auto text = valid;
        for (auto count = 1 + random() % 4; count > 0; --count) {
            const auto at = random() % text.size();
            if (random() % 2 == 0)
                text.erase(at, 1 + random() % 6);
            else
                text.insert(at, words[random() % words.size()]);
        }
        const auto loaded = load_lua(text);
        INFO("round " << round << "\n" << text << "\n" << loaded.text());
        REQUIRE(loaded.rule_set.has_value() != loaded.diagnostics.has_errors());
        for (const auto& diagnostic : loaded.diagnostics.sorted()) {
            REQUIRE(listed.contains(diagnostic.kind));
            REQUIRE(diagnostic.place.file == "rules/10-a.lua");
            REQUIRE(diagnostic.message.find('\n') == std::string::npos);
        }
    }
}

}  // namespace language_lua_rules
