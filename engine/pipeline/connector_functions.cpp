#include "engine/pipeline/connector_functions.h"

#include <set>

#include "engine/base/hash.h"
#include "engine/base/text.h"
#include "rules/script.h"

namespace engine {
namespace {

std::string told(const std::string& script, const std::string& function,
                 const rules::ScriptFailure& failure) {
    auto text = script + ", function " + in_quotes(function) + ": " + failure.message;
    if (!failure.place.file.empty())
        text += " (" + failure.place.file + ":" + std::to_string(failure.place.line) + ")";
    return text;
}

}  // namespace

Result<Json> ConnectorFunctions::call(const std::string& script, const std::string& function,
                                      const Json& value, Instant now) {
    const auto& scripts = tenant_->rule_set->scripts;
    if (tenant_->scripts == nullptr || scripts == nullptr)
        return invalid("there is nothing here that runs " + script);
    if (used_ >= deadline_) {
        ++refused_;
        return exhausted("the webhook's functions before this one took intake-script-deadline = " +
                         to_text(deadline_) + ": it was not called");
    }
    rules::ScriptCall call;
    call.file = script;
    call.function = function;
    call.context = {{"value", value}};
    call.now = now;
    // The same value gets the same random numbers, whenever it comes.
    call.seed = script + "#" + function + "\n" + to_hex(bytes_of(sha256(canonical_json(value))));
    const auto began = now_();
    auto outcome = tenant_->scripts->run(scripts, call);
    used_ += now_() - began;
    if (outcome.failure) return invalid(told(script, function, *outcome.failure));
    if (outcome.need || !outcome.effects.empty())
        return invalid(script + ", function " + in_quotes(function) +
                       " asks for something: what webhooks become is only what it returns");
    return std::move(outcome.result);
}

void check_connector_functions(const Tenant& tenant, Diagnostics& diagnostics) {
    std::set<std::string> missing;
    for (const auto& [name, connection] : tenant.connections) {
        if (!connection.connector) continue;
        for (const auto& use : connectors::functions_of(*connection.connector)) {
            if (tenant.files.contains(use.script) || !missing.insert(use.script).second) continue;
            diagnostics.error("dangling-script", use.place,
                              "the function " + in_quotes(use.function) + " is looked for in " + use.script +
                                  ", which is not there");
        }
    }
}

}  // namespace engine
