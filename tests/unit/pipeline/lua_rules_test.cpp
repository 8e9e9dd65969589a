// Whole rules in Lua: what is asked of their files, and when.

#include "engine/pipeline/explain.h"
#include "rules/script.h"
#include "tests/support/catch.h"
#include "tests/unit/pipeline/proof.h"
#include "tests/unit/pipeline/world.h"

namespace lua_rules_test {

using namespace engine;
using namespace engine::test;
using rules::ScriptCall;
using rules::ScriptOutcome;

namespace {

/// Says yes to conditions, and adds a tag for steps.
class Yes final : public rules::ScriptHost {
public:
    std::vector<Diagnostic> load(const std::shared_ptr<const rules::ScriptSet>&) override { return {}; }
    ScriptOutcome run(const std::shared_ptr<const rules::ScriptSet>&, const ScriptCall& call) override {
        calls.push_back(call.file + "#" + call.function);
        ScriptOutcome outcome;
        if (call.function == "run")
            outcome.effects = {{{"do", "add_tags"}, {"tags", {"seen"}}, {"file", call.file}, {"line", 7}}};
        else
            outcome.result = true;
        return outcome;
    }

    std::vector<std::string> calls;
};

constexpr auto of_app = R"(
local rule = { id = "of-app", on = "ticket.created" }
rule.when = {
  lua = function(ctx) return ctx.ticket ~= nil end,
  ["ticket.channel"] = "app",
}
function rule.run(ctx)
  ctx.add_tags("seen")
end
return rule
)";

Event on_channel(const char* id, const char* channel) {
    return event(id, "ticket.created", std::string("ticket/") + id, Json{{"ticket", {{"channel", channel}}}});
}

}  // namespace

TEST_CASE("lua rules: a function beside fields is asked only where the fields hold", "[scripts][lua]") {
    const auto host = std::make_shared<Yes>();
    World world(tenant_of({{"tenant.yaml", "name: acme\n"}, {"rules/10-app.lua", of_app}}, host));
    world.submit(on_channel("1", "mail"));
    CHECK(host->calls.empty());
    world.submit(on_channel("2", "app"));
    CHECK(host->calls == std::vector<std::string>{"rules/10-app.lua#when.lua", "rules/10-app.lua#run"});
    REQUIRE(world.decisions.size() == 2);
    CHECK(world.decisions[0].fired.empty());
    REQUIRE(world.decisions[1].fired.size() == 1);
    CHECK(world.decisions[1].document["tags"] == Json{"seen"});
    CHECK(found_in(world) == "");
}

TEST_CASE("lua rules: they stand among the rules of YAML in the order of files", "[scripts][lua]") {
    const auto host = std::make_shared<Yes>();
    const std::string yaml = "rules: [ { id: ID, on: ticket.created, then: [ { add_tags: [ID] } ] } ]\n";
    const auto named = [&](std::string id) {
        auto text = yaml;
        for (auto at = text.find("ID"); at != std::string::npos; at = text.find("ID"))
            text.replace(at, 2, id);
        return text;
    };
    World world(tenant_of({{"tenant.yaml", "name: acme\n"},
                           {"rules/20-last.yaml", named("last")},
                           {"rules/10-app.lua", of_app},
                           {"rules/05-first.yaml", named("first")}},
                          host));
    world.submit(on_channel("1", "app"));
    CHECK(world.decisions.at(0).document["tags"] == Json({"first", "seen", "last"}));
    CHECK(found_in(world) == "");
}

}  // namespace lua_rules_test
