#include "rules/evaluator/script_effects.h"

#include <algorithm>
#include <utility>

#include "engine/base/diagnostic.h"
#include "engine/base/text.h"
#include "engine/base/time.h"
#include "rules/evaluator/fit.h"
#include "rules/evaluator/own_values.h"
#include "rules/evaluator/step_checks.h"

namespace rules {
namespace {

using engine::Error;
using engine::in_quotes;
using engine::Json;
using engine::Result;

constexpr std::size_t field_bytes_max = 1024;

bool is_of_type(const Json& value, engine::Parameter::Type type) {
    using Type = engine::Parameter::Type;
    switch (type) {
        case Type::text:
            return value.is_string() || value.is_number() || value.is_boolean();
        case Type::number:
            return value.is_number();
        case Type::boolean:
            return value.is_boolean();
        case Type::list:
            return value.is_array();
        case Type::object:
            return value.is_object();
        case Type::any:
            return true;
    }
    return true;
}

/// What is wrong with the parameters of a call, as far as the action says what it takes.
Result<void> check_params(const std::string& call, const engine::ActionSignature& action,
                          const Json& params) {
    for (const auto& [name, value] : params.items()) {
        const auto* parameter = action.find(name);
        if (auto known = check_parameter(call, action, name); !known) return known.error();
        if (parameter == nullptr || value.is_null()) continue;
        if (!is_of_type(value, parameter->type))
            return engine::invalid("parameter " + in_quotes(name) + " of " + call + " cannot be a " +
                                   value.type_name());
        const auto* text = value.get_ptr<const Json::string_t*>();
        const auto& allowed = parameter->values;
        if (text && !allowed.empty() && std::find(allowed.begin(), allowed.end(), *text) == allowed.end())
            return engine::invalid("parameter " + in_quotes(name) + " of " + call + " cannot be " +
                                   in_quotes(*text) + ": it is one of " + engine::join(allowed, ", "));
    }
    const auto is_given = [&](const std::string& name) {
        const auto* value = engine::find(params, name);
        return value != nullptr && !value->is_null();
    };
    for (const auto& parameter : action.parameters)
        if (parameter.required && !is_given(parameter.name))
            return engine::invalid(call + " needs the parameter " + in_quotes(parameter.name));
    for (const auto& group : action.one_of)
        if (std::none_of(group.begin(), group.end(), is_given))
            return engine::invalid(call + " needs one of the parameters " + engine::join(group, ", "));
    return {};
}

class Effects {
public:
    Effects(const RuleRun& run, engine::Instant now, WorkingState& state)
        : run_(run), now_(now), state_(state) {}

    /// False = two rules want different things, and on_conflict says fail.
    Result<bool> apply(const Json& effect) {
        const auto what = text_of(effect, "do");
        if (what == "set") return write(effect, engine::value_or_null(engine::find(effect, "value")));
        if (what == "unset") return write(effect, Json());
        if (what == "add_tags" || what == "remove_tags") return change_tags(effect, what == "add_tags");
        if (what == "action") return call(effect);
        if (what == "emit") return emit(effect);
        if (what == "after") return emit_later(effect);
        if (what == "cancel") return cancel(effect);
        if (what == "kv_set") return set_value(effect, engine::value_or_null(engine::find(effect, "value")));
        if (what == "kv_delete") return set_value(effect, Json());
        return engine::invalid("scripts cannot ask for " + in_quotes(what));
    }

private:
    static std::string text_of(const Json& effect, const char* key) {
        const auto* value = engine::find(effect, key);
        const auto* text = value ? value->get_ptr<const Json::string_t*>() : nullptr;
        return text ? *text : std::string();
    }

    static Json object_of(const Json& effect, const char* key) {
        const auto* value = engine::find(effect, key);
        // A table without members has come as a list.
        if (value == nullptr || value->is_null() || value->empty()) return Json::object();
        return *value;
    }

    /// Nobody would see that a misspelt field was written.
    Result<const FieldPath*> own_field(const std::string& name) {
        // Looking a path up costs the square of its length.
        if (name.size() > field_bytes_max)
            return engine::invalid("the name of a field has at most " + std::to_string(field_bytes_max) +
                                   " bytes");
        auto field = field_named(run_.rule_set.catalogue, name);
        if (auto own = check_own(field, run_.subject); !own) return own.error();
        if (run_.rule_set.catalogue.find(name) == nullptr)
            return engine::invalid("unknown field " + in_quotes(name) +
                                   engine::hint(name, run_.rule_set.catalogue.paths()));
        return &state_.kept(std::move(field));
    }

    Result<bool> write(const Json& effect, Json value) {
        const auto field = own_field(text_of(effect, "field"));
        if (!field) return field.error();
        auto fitting = fit(run_.rule_set.catalogue, **field, std::move(value));
        if (!fitting) return fitting.error();
        return state_.set(**field, std::move(*fitting), run_.rule.id) != Ledger::Verdict::fails;
    }

    Result<bool> change_tags(const Json& effect, bool add) {
        auto name = text_of(effect, "field");
        if (name.empty()) name = std::string(run_.subject.kind()) + ".tags";
        const auto field = own_field(name);
        if (!field) return field.error();
        if ((*field)->type != FieldType::tags && (*field)->type != FieldType::any)
            return engine::invalid((*field)->text + " is no list of tags");
        std::vector<std::string> tags;
        for (const auto& tag : object_or_list(effect, "tags")) {
            const auto* text = tag.get_ptr<const Json::string_t*>();
            if (!text) return engine::invalid((*field)->text + " takes texts as tags");
            if (!text->empty()) tags.push_back(*text);
        }
        return state_.change_tags(**field, tags, add, run_.rule.id) != Ledger::Verdict::fails;
    }

    static Json object_or_list(const Json& effect, const char* key) {
        const auto* value = engine::find(effect, key);
        return value && value->is_array() ? *value : Json::array();
    }

    Result<bool> call(const Json& effect) {
        if (state_.actions.size() >= static_cast<std::size_t>(options().actions_max))
            return limit_reached("actions_max", options().actions_max);
        const auto name = text_of(effect, "action");
        const auto dot = name.find('.');
        engine::Action action;
        action.connection = name.substr(0, dot);
        action.action = dot == std::string::npos ? "" : name.substr(dot + 1);
        action.params = object_of(effect, "params");
        if (!action.params.is_object())
            return engine::invalid("the parameters of " + name + " must be a table with names");
        const auto signature = action_named(run_.rule_set.connections, name);
        if (!signature) return signature.error();
        if (auto good = check_params(name, **signature, action.params); !good) return good.error();
        action.as = text_of(effect, "as");
        action.rule = run_.rule.id;
        action.firing = run_.firing;
        state_.actions.push_back(std::move(action));
        return true;
    }

    Result<bool> emit(const Json& effect) {
        if (auto room = state_.check_room_for_event(options()); !room) return room.error();
        auto data = object_of(effect, "data");
        if (!data.is_object()) return engine::invalid("emit: data must be a table with names");
        auto subject = run_.subject;
        if (const auto named = text_of(effect, "subject"); !named.empty()) {
            auto parsed = engine::Subject::parse(named);
            if (!parsed) return parsed.error();
            subject = *std::move(parsed);
        }
        auto type = text_of(effect, "type");
        if (auto good = check_event(type, subject); !good) return good.error();
        state_.emitted.push_back({run_.rule.id, std::move(type), std::move(subject), std::move(data)});
        return true;
    }

    /// Enters the value's own lane.
    Result<bool> set_value(const Json& effect, const Json& value) {
        if (auto room = state_.check_room_for_event(options()); !room) return room.error();
        auto subject = subject_of_value(text_of(effect, "key"));
        if (!subject) return subject.error();
        auto data = data_of_value(value);
        if (const auto* version = engine::find(effect, "version")) data["if_version"] = *version;
        state_.emitted.push_back({run_.rule.id, value_set_type, *std::move(subject), std::move(data)});
        return true;
    }

    Result<bool> emit_later(const Json& effect) {
        const auto name = text_of(effect, "name");
        if (auto room = check_timer("after", name, true); !room) return room.error();
        const auto span = engine::parse_duration(text_of(effect, "delay"));
        if (!span) return engine::invalid("after: " + span.error().message);
        if (*span > timer_span_max) return engine::invalid("after reaches more than 100 years ahead");
        auto data = object_of(effect, "data");
        if (!data.is_object()) return engine::invalid("after: data must be a table with names");
        auto type = text_of(effect, "type");
        if (type.empty())
            type = "timer." + name;
        else if (auto good = check_event(type, run_.subject); !good)
            return good.error();
        state_.timers.push_back({name, now_ + *span, run_.rule.id, std::move(type), std::move(data), ""});
        return true;
    }

    Result<bool> cancel(const Json& effect) {
        const auto name = text_of(effect, "name");
        if (auto room = check_timer("cancel", name, false); !room) return room.error();
        state_.timers.push_back({name, std::nullopt, run_.rule.id, "", Json::object(), ""});
        return true;
    }

    Result<void> check_timer(const std::string& what, const std::string& name, bool is_set) {
        if (!is_timer_name(name)) return no_timer_name(what, name);
        return state_.check_room_for_timer(name, is_set, options());
    }

    const RuleSetOptions& options() const { return run_.rule_set.options; }

    const RuleRun& run_;
    engine::Instant now_;
    WorkingState& state_;
};

engine::Place place_of_effect(const Json& effect) {
    engine::Place place;
    if (const auto* file = engine::find(effect, "file"); file && file->is_string())
        place.file = file->get<std::string>();
    if (const auto* line = engine::find(effect, "line"); line && line->is_number_integer())
        place.line = line->get<int>();
    return place;
}

}  // namespace

RunResult apply_effects(const Json& effects, const RuleRun& run, engine::Instant now, WorkingState& state) {
    Effects all(run, now, state);
    for (const auto& effect : effects) {
        const auto done = all.apply(effect);
        if (!done)
            return {RunEnd::failed,
                    engine::RuleFailure{run.rule.id, done.error().message, place_of_effect(effect)}};
        if (!*done) return {RunEnd::conflict, std::nullopt};
    }
    return {RunEnd::done, std::nullopt};
}

}  // namespace rules
