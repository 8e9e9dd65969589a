#include "engine/app/script_call_checks.h"

#include <algorithm>

#include "engine/base/text.h"
#include "rules/evaluator/fit.h"
#include "rules/evaluator/step_checks.h"
#include "rules/language/reading.h"
#include "rules/lua/api.h"
#include "rules/lua/calls.h"

namespace engine::app {
namespace {

using rules::Catalogue;
using rules::FieldType;
using rules::WrittenCall;
using rules::WrittenPath;
using rules::WrittenValue;
using Written = WrittenValue::Kind;

std::string shown(const WrittenValue& value) {
    if (value.kind == Written::table)
        return value.members.empty() ? "a list" : value.items.empty() ? "a table with names" : "a table";
    if (value.text() != nullptr) return "the text " + in_quotes(*value.text());
    return value.constant.is_number() ? number_text(value.constant) : value.constant.dump();
}

std::string no_value_of(const std::string& text, const std::string& what,
                        const std::vector<std::string>& values) {
    return in_quotes(text) + " is no value of " + what + hint(text, values) + " (" + join(values, ", ") + ")";
}

/// A table that can only be the other thing: {} may be both, and so may one with computed keys.
bool is_surely_object(const WrittenValue& table) {
    return !table.members.empty();
}
bool is_surely_list(const WrittenValue& table) {
    return table.has_all && table.members.empty() && !table.items.empty();
}

// ---- fields

class FieldChecks {
public:
    FieldChecks(const Catalogue& catalogue, const rules::ScriptUses& uses, Diagnostics& found)
        : catalogue_(catalogue), uses_(uses), found_(found) {}

    void check() {
        for (const auto& call : uses_.calls) check(call);
        for (const auto& read : uses_.reads)
            if (!read.names.empty()) check(read);
    }

private:
    void check(const WrittenCall& call) {
        const auto* name = call.text(0);
        const bool is_write = call.function == "ctx.set" || call.function == "ctx.unset";
        if (name == nullptr || (!is_write && call.function != "ctx.get")) return;
        const auto& place = call.arguments[0].place;
        if (!(is_write ? may_write(*name, place) : may_read(*name, place))) return;
        if (call.function == "ctx.set" && call.arguments.size() == 2) check_value(*name, call.arguments[1]);
    }

    static std::string root_of(const std::string& name) { return name.substr(0, name.find('.')); }
    static bool has_keys(const std::string& name) { return name.find('.') != std::string::npos; }

    bool may_write(const std::string& name, const Place& place) {
        const auto root = root_of(name);
        if (catalogue_.has_kind(root) && !has_keys(name)) {
            found_.error("wrong-entity", place,
                         in_quotes(name) + " cannot be written here: name a field of it");
            return false;
        }
        if (!catalogue_.is_entity(root) && (catalogue_.has_kind(root) || is_given(root))) {
            found_.error(
                "wrong-entity", place,
                in_quotes(name) + " cannot be written here: a decision writes only fields of its own entity");
            return false;
        }
        return is_field(name, place);
    }

    /// What ctx has besides entities is read by other names than those of the catalogue.
    bool may_read(const std::string& name, const Place& place) {
        const auto root = root_of(name);
        if (is_given(root) || (catalogue_.has_kind(root) && !has_keys(name))) return true;
        // Items of a list have numbers.
        for (auto end = name.rfind('.'); end != std::string::npos && end > 0; end = name.rfind('.', end - 1))
            if (const auto* above = catalogue_.find(name.substr(0, end));
                above != nullptr && (above->type == FieldType::tags || above->type == FieldType::list))
                return true;
        return is_field(name, place);
    }

    static bool is_given(const std::string& root) {
        const auto& given = rules::script_api().class_of("signalbox.Ctx")->fields;
        return std::any_of(given.begin(), given.end(), [&](const auto& field) { return field.name == root; });
    }

    bool is_field(const std::string& name, const Place& place) {
        // Looking a path up costs the square of its length.
        constexpr std::size_t name_bytes_max = 1024;
        if (name.size() > name_bytes_max) return false;
        if (catalogue_.find(name) == nullptr) {
            found_.error("unknown-field", place, "unknown field " + in_quotes(name) + remedy_for(name));
            return false;
        }
        if (const auto near = catalogue_.near_miss(name); !near.empty())
            found_.warning("undeclared-field", place,
                           in_quotes(name) + " is not declared in fields.yaml" + did_you_mean(near));
        return true;
    }

    std::string remedy_for(const std::string& name) const {
        const auto near = has_keys(name) ? nearest(name, catalogue_.paths_like(name)) : whole_name_of(name);
        if (!near.empty()) return did_you_mean(near);
        return has_keys(name) ? ": correct it, or declare it in fields.yaml"
                              : ": a field begins with its kind, as in \"ticket.subject\"";
    }

    /// Of the kind that the script speaks of elsewhere; or of the only one that has such a field.
    std::string whole_name_of(const std::string& name) const {
        std::vector<std::string> all;
        for (const auto& kind : catalogue_.kinds())
            if (catalogue_.is_entity(kind) && catalogue_.find(kind + "." + name) != nullptr)
                all.push_back(kind);
        for (const auto& kind : all)
            if (speaks_of(kind)) return kind + "." + name;
        if (all.empty()) return "";
        const bool has_ticket = std::find(all.begin(), all.end(), "ticket") != all.end();
        return (has_ticket ? "ticket" : all.front()) + "." + name;
    }
    bool speaks_of(const std::string& kind) const {
        return std::any_of(
                   uses_.reads.begin(), uses_.reads.end(),
                   [&](const WrittenPath& read) { return !read.names.empty() && read.names[0] == kind; }) ||
               std::any_of(uses_.calls.begin(), uses_.calls.end(), [&](const WrittenCall& call) {
                   return call.text(0) != nullptr && call.text(0)->starts_with(kind + ".");
               });
    }

    /// `ctx.ticket.prioritty`: as far as objects go. Behind a text or a list stands what Lua knows of it.
    void check(const WrittenPath& read) {
        const auto& kind = read.names.front();
        // ctx.call is no entity.
        const bool is_entity =
            catalogue_.has_kind(kind) && rules::script_api().function("ctx." + kind) == nullptr;
        if (read.is_own || !is_entity) return;
        auto name = kind;
        for (std::size_t i = 1; i < read.names.size(); ++i) {
            name += "." + read.names[i];
            const auto* field = catalogue_.find(name);
            const bool is_object =
                !catalogue_.below(name).empty() ||
                (field != nullptr && field->path == name && field->type == FieldType::object);
            if (is_object) continue;
            is_field(name, read.places[i]);
            return;
        }
    }

    // ---- what is written

    void check_value(const std::string& name, const WrittenValue& value) {
        const auto* field = catalogue_.find(name);
        if (field == nullptr) return;
        if (value.kind == Written::constant) check_constant(name, *field, value);
        if (value.kind == Written::table) check_table(name, *field, value);
    }

    void check_constant(const std::string& name, const rules::Field& field, const WrittenValue& value) {
        const auto fitting = rules::fit(catalogue_, rules::field_named(catalogue_, name), value.constant);
        if (fitting) return;
        const bool is_text = field.type == FieldType::text && value.text() != nullptr;
        const bool is_number = field.type == FieldType::number && value.constant.is_number();
        if (is_text || is_number)
            found_.error(
                "unknown-enum-value", value.place,
                no_value_of(is_text ? *value.text() : number_text(value.constant), name, field.values));
        else
            found_.error(field.type == FieldType::instant && value.text() ? "bad-value" : "wrong-type",
                         value.place, fitting.error().message);
    }

    void check_table(const std::string& name, const rules::Field& field, const WrittenValue& table) {
        const auto type = field.type;
        const bool takes_list = type == FieldType::tags || type == FieldType::list;
        const bool is_wrong = takes_list                  ? is_surely_object(table)
                              : type == FieldType::object ? is_surely_list(table)
                                                          : type != FieldType::any;
        if (is_wrong) return wrong_type(name, type, table);
        for (const auto& item : table.items)
            if (type == FieldType::tags &&
                (item.kind == Written::table || (item.kind == Written::constant && item.text() == nullptr)))
                wrong_type(name, type, item);
        for (const auto& [key, value] : table.members) {
            const auto* declared = catalogue_.find(name + "." + key);
            if (declared != nullptr && declared->path == name + "." + key) check_value(declared->path, value);
        }
    }
    void wrong_type(const std::string& name, FieldType type, const WrittenValue& value) {
        found_.error("wrong-type", value.place,
                     name + " takes " + rules::article_of(type) + ", found " + shown(value));
    }

    const Catalogue& catalogue_;
    const rules::ScriptUses& uses_;
    Diagnostics& found_;
};

// ---- connections

/// Whether a parameter may be that; numbers and booleans are written as texts where texts are wanted.
bool may_be(Parameter::Type type, const WrittenValue& value) {
    using Type = Parameter::Type;
    if (value.kind == Written::computed || value.kind == Written::nil || type == Type::any) return true;
    if (value.kind == Written::table)
        return type == Type::list ? !is_surely_object(value) : type == Type::object && !is_surely_list(value);
    if (type == Type::number) return value.constant.is_number();
    if (type == Type::boolean) return value.constant.is_boolean();
    return type == Type::text;
}

std::string article_of(Parameter::Type type) {
    switch (type) {
        case Parameter::Type::text:
            return "a text";
        case Parameter::Type::number:
            return "a number";
        case Parameter::Type::boolean:
            return "true or false";
        case Parameter::Type::list:
            return "a list";
        case Parameter::Type::object:
            return "a table with names";
        case Parameter::Type::any:
            break;
    }
    return "any value";
}

class CallChecks {
public:
    CallChecks(const rules::RuleSet& rule_set, Diagnostics& found)
        : connections_(rule_set.connections), found_(found) {}

    void check(const WrittenCall& call) {
        const auto* name = call.text(0);
        if (name == nullptr) return;
        if (call.function == "ctx.action") check_action(call, *name);
        if (call.function == "ctx.call") check_lookup(call, *name);
    }

private:
    void check_action(const WrittenCall& call, const std::string& name) {
        const auto action = rules::action_named(connections_, name);
        if (action)
            check_params(call, name, **action);
        else
            found_.error("unknown-action", call.arguments[0].place, action.error().message);
    }

    void check_lookup(const WrittenCall& call, const std::string& name) {
        const auto& place = call.arguments[0].place;
        const auto dot = name.find('.');
        const auto connection = connections_.find(name.substr(0, dot));
        if (connection == connections_.end())
            return found_.error("dangling-connection", place,
                                "no connection is named " + in_quotes(name.substr(0, dot)) +
                                    " in connections.yaml" +
                                    hint(name.substr(0, dot), names_of(connections_)));
        const auto lookup = dot == std::string::npos ? "" : name.substr(dot + 1);
        const auto& lookups = connection->second.lookups;
        if (const auto found = lookups.find(lookup); found != lookups.end())
            return check_params(call, name, found->second);
        found_.error("unknown-lookup", place,
                     "connection " + in_quotes(connection->first) + " (" + connection->second.connector +
                         ") has no look-up " + in_quotes(lookup) + remedy_for(lookup, connection->second));
    }
    static std::string remedy_for(const std::string& lookup, const ConnectionSignature& connection) {
        if (connection.actions.contains(lookup)) return ": it is an action, which ctx.action asks for";
        if (connection.lookups.empty()) return "; its connector has none";
        const auto names = names_of(connection.lookups);
        const auto near = hint(lookup, names);
        return near.empty() ? ", only " + join(names, ", ") : near;
    }
    template <class Map>
    static std::vector<std::string> names_of(const Map& map) {
        std::vector<std::string> names;
        for (const auto& [name, value] : map) names.push_back(name);
        return names;
    }

    void check_params(const WrittenCall& call, const std::string& name, const ActionSignature& signature) {
        static const WrittenValue none{Written::table, {}, {}, {}, {}, true};
        const bool is_given = call.arguments.size() > 1 && call.arguments[1].kind != Written::nil;
        const auto& params = is_given ? call.arguments[1] : none;
        if (params.kind != Written::table) return;
        for (const auto& [key, value] : params.members) check_param(name, signature, key, value);
        if (params.has_all && params.items.empty()) check_required(call, name, signature, params);
    }

    void check_param(const std::string& call, const ActionSignature& signature, const std::string& key,
                     const WrittenValue& value) {
        const auto* parameter = signature.find(key);
        if (auto known = rules::check_parameter(call, signature, key); !known)
            return found_.error("unknown-parameter", value.place, known.error().message);
        if (parameter == nullptr) return;
        const auto what = "parameter " + in_quotes(key) + " of " + call;
        const auto& values = parameter->values;
        if (!may_be(parameter->type, value))
            found_.error("wrong-type", value.place,
                         what + " takes " + article_of(parameter->type) + ", found " + shown(value));
        else if (value.text() != nullptr && !values.empty() &&
                 std::find(values.begin(), values.end(), *value.text()) == values.end())
            found_.error("unknown-enum-value", value.place, no_value_of(*value.text(), what, values));
    }

    void check_required(const WrittenCall& call, const std::string& name, const ActionSignature& signature,
                        const WrittenValue& params) {
        const auto& place = call.arguments[0].place;
        const auto is_given = [&](const std::string& key) {
            const auto* value = params.member(key);
            return value != nullptr && value->kind != Written::nil;
        };
        for (const auto& parameter : signature.parameters)
            if (parameter.required && !is_given(parameter.name))
                found_.error("missing-parameter", place,
                             name + " needs the parameter " + in_quotes(parameter.name));
        for (const auto& group : signature.one_of)
            if (std::none_of(group.begin(), group.end(), is_given))
                found_.error("missing-parameter", place,
                             name + " needs one of the parameters " + join(group, ", "));
    }

    const ConnectionSignatures& connections_;
    Diagnostics& found_;
};

}  // namespace

void check_calls(const rules::ScriptFile& file, const rules::RuleSet& rule_set, Diagnostics& found) {
    const auto uses = rules::uses_of(file);
    FieldChecks(rule_set.catalogue, uses, found).check();
    CallChecks calls(rule_set, found);
    for (const auto& call : uses.calls) calls.check(call);
}

}  // namespace engine::app
