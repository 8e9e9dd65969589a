// Functions of a tenant's connectors: whom they are run by, what they see, and what becomes of what they
// give.

#include "engine/pipeline/connector_functions.h"

#include "engine/pipeline/tenant.h"
#include "rules/script.h"
#include "tests/support/catch.h"
#include "tests/unit/pipeline/world.h"

namespace connector_functions_test {

using namespace engine;
using namespace engine::test;
using rules::ScriptCall;
using rules::ScriptOutcome;

namespace {

constexpr auto script = "connectors/forms/forms.lua";

/// Gives what the test says.
class Says final : public rules::ScriptHost {
public:
    std::vector<Diagnostic> load(const std::shared_ptr<const rules::ScriptSet>& scripts) override {
        for (const auto& file : scripts->files) files.push_back(file.name);
        return {};
    }
    ScriptOutcome run(const std::shared_ptr<const rules::ScriptSet>&, const ScriptCall& call) override {
        calls.push_back(call);
        time += takes;
        return outcome;
    }

    std::vector<std::string> files;
    std::vector<ScriptCall> calls;
    ScriptOutcome outcome;
    std::chrono::milliseconds takes{0};
    std::chrono::steady_clock::time_point time;
};

rules::Files files() {
    return {
        {"tenant.yaml", "name: acme\n"},
        {"connections.yaml", "connections:\n  web: { connector: forms, verify: none }\n"},
        {"connectors/forms/connector.yaml",
         "name: forms\ntitle: Forms\ndescription: x\nsettings:\n  secret: { secret: true, description: x }\n"
         "webhook:\n  verify: [ { key: { header: X-Key, secret: secret } } ]\n  events:\n    - type: "
         "ticket.created\n"
         "      subject: { kind: ticket, id: item.id }\n      map: item | lua:fields\n"},
        {script, "return { fields = function(ctx) return {} end }\n"}};
}

std::shared_ptr<const Tenant> loaded(const rules::Files& from, const std::shared_ptr<Says>& says,
                                     Diagnostics& diagnostics) {
    LoadOptions options;
    options.scripts = says;
    return load_tenant(TenantName("acme"), from, options, diagnostics);
}

}  // namespace

TEST_CASE("connector functions: they are scripts of the tenant and see the value alone", "[pipeline][lua]") {
    const auto says = std::make_shared<Says>();
    Diagnostics diagnostics;
    const auto tenant = loaded(files(), says, diagnostics);
    for (const auto& problem : diagnostics.sorted()) UNSCOPED_INFO(to_text(problem));
    REQUIRE(tenant);
    CHECK(says->files == std::vector<std::string>{script});
    says->outcome.result = {{"ticket.subject", "x"}};
    ConnectorFunctions functions(tenant, std::chrono::seconds(1));
    const auto made = functions.call(script, "fields", Json{{"a", 1}}, at("2026-05-04T08:00:00Z"));
    REQUIRE(made);
    CHECK(*made == Json{{"ticket.subject", "x"}});
    REQUIRE(says->calls.size() == 1);
    const auto call = says->calls[0];
    CHECK(call.file == script);
    CHECK(call.function == "fields");
    CHECK(call.context == Json{{"value", {{"a", 1}}}});
    CHECK(call.now == at("2026-05-04T08:00:00Z"));
    CHECK(functions.call(script, "fields", Json{{"a", 1}}, at("2026-05-05T08:00:00Z")));
    CHECK(functions.call(script, "fields", Json{{"a", 2}}, at("2026-05-04T08:00:00Z")));
    CHECK(says->calls[1].seed == call.seed);
    CHECK(says->calls[2].seed != call.seed);
}

TEST_CASE("connector functions: what fails says where, and nothing may be asked for", "[pipeline][lua]") {
    const auto says = std::make_shared<Says>();
    Diagnostics diagnostics;
    const auto tenant = loaded(files(), says, diagnostics);
    REQUIRE(tenant);
    ConnectorFunctions functions(tenant, std::chrono::seconds(1));
    const auto refusal = [&] {
        const auto made = functions.call(script, "fields", Json(1), at("2026-05-04T08:00:00Z"));
        REQUIRE_FALSE(made);
        CHECK(made.error().code == Code::invalid_input);
        return made.error().message;
    };
    says->outcome.failure = rules::ScriptFailure{"attempt to index a nil value", {script, 7, 0}, {}, ""};
    CHECK(refusal() ==
          "connectors/forms/forms.lua, function \"fields\": attempt to index a nil value "
          "(connectors/forms/forms.lua:7)");
    says->outcome.failure.reset();
    says->outcome.effects = {{{"do", "set"}, {"field", "ticket.a"}, {"value", 1}}};
    CHECK(refusal().find("is only what it returns") != std::string::npos);
    says->outcome.effects = Json::array();
    says->outcome.need = rules::ScriptNeed{};
    CHECK(refusal().find("is only what it returns") != std::string::npos);
}

TEST_CASE("connector functions: those of one webhook have a time together", "[pipeline][lua]") {
    const auto says = std::make_shared<Says>();
    Diagnostics diagnostics;
    const auto tenant = loaded(files(), says, diagnostics);
    REQUIRE(tenant);
    says->takes = std::chrono::milliseconds(40);
    ConnectorFunctions functions(tenant, std::chrono::milliseconds(100), [&] { return says->time; });
    const auto call = [&] { return functions.call(script, "fields", Json(1), at("2026-05-04T08:00:00Z")); };
    for (int i = 0; i < 3; ++i) CHECK(call());  // the third goes beyond it
    CHECK(functions.refused() == 0);
    says->time += std::chrono::hours(1);  // is not theirs
    for (int i = 0; i < 2; ++i) {
        const auto late = call();
        REQUIRE_FALSE(late);
        CHECK(late.error().code == Code::exhausted);
        CHECK(
            late.error().message ==
            "the webhook's functions before this one took intake-script-deadline = 100ms: it was not called");
    }
    CHECK(says->calls.size() == 3);
    CHECK(functions.refused() == 2);
}

TEST_CASE("connector functions: a definition that names one needs its script", "[pipeline][lua]") {
    auto without = files();
    without.erase(script);
    Diagnostics diagnostics;
    CHECK_FALSE(loaded(without, std::make_shared<Says>(), diagnostics));
    REQUIRE(diagnostics.sorted().size() == 1);
    const auto problem = diagnostics.sorted().front();
    CHECK(problem.kind == "dangling-script");
    CHECK(problem.place.file == "connectors/forms/connector.yaml");
    CHECK(problem.place.line == 11);
    CHECK(problem.message.find(script) != std::string::npos);
}

TEST_CASE("connector functions: rules cannot call them", "[pipeline][lua]") {
    auto with_rule = files();
    with_rule["rules.yaml"] =
        "rules:\n  - { id: a, on: ticket.created, then: [ { lua: connectors/forms/forms.lua#fields } ] }\n";
    Diagnostics diagnostics;
    CHECK_FALSE(loaded(with_rule, std::make_shared<Says>(), diagnostics));
    REQUIRE(diagnostics.has_errors());
    CHECK(diagnostics.sorted().front().kind == "dangling-script");
}

}  // namespace connector_functions_test
