#include "rules/checker/example.h"

#include <utility>

#include "rules/evaluator/compare.h"
#include "rules/evaluator/decide.h"

namespace rules {
namespace {

using engine::Json;

/// Puts each supposed field where an event brings it.
class Composer {
public:
    Composer(const Supposition& world, std::string kind) : world_(world), kind_(std::move(kind)) {
        for (const auto& field : world.fields) has_past_ = has_past_ || field.asks_of_change;
        if (has_past_) entity_[kind_] = Json::object();
        data_[kind_] = Json::object();
    }

    std::optional<Example> run() {
        for (const auto& field : world_.fields)
            if (!place(field)) return std::nullopt;
        Json event{{"specversion", "1.0"}, {"id", id_},
                   {"source", source_},    {"type", world_.event_type},
                   {"subject", subject()}, {"time", engine::to_text(supposed_now())},
                   {"data", data_}};
        return Example{std::move(event), has_past_ ? entity_ : Json()};
    }

private:
    bool place(const SupposedField& field) {
        const auto& value = field.values.front();
        const auto& root = field.path.root;
        if (root == "event") return place_in_event(field.path.keys, value);
        if (root == kind_) return place_in_entity(field, value);
        if (field.asks_of_change && field.changed) return false;  // nobody changes another entity here
        if (value.is_null()) return true;
        if (root == "now" || root == "sla" || root == "escalations" || root == "changes" || root == "steps")
            return false;
        if (field.path.keys.empty())
            data_[root] = value;
        else
            engine::put(data_, path_in(root, field.path.keys), value);
        return true;
    }

    static engine::Path path_in(const std::string& root, const engine::Path& keys) {
        engine::Path path{root};
        path.insert(path.end(), keys.begin(), keys.end());
        return path;
    }

    bool place_in_entity(const SupposedField& field, const Json& value) {
        if (field.path.keys.empty()) return !value.is_null();
        const auto path = path_in(kind_, field.path.keys);
        const auto& before = field.changed ? field.from : value;
        if (has_past_ && !before.is_null()) engine::put(entity_, path, before);
        if (!value.is_null() || field.changed) engine::put(data_, path, value);
        return true;
    }

    bool place_in_event(const engine::Path& keys, const Json& value) {
        if (keys.empty()) return value.is_object();
        if (keys.front() == "data") {
            const engine::Path path(keys.begin() + 1, keys.end());
            if (path.empty()) return value.is_object();
            if (!value.is_null()) engine::put(data_, path, value);
            return true;
        }
        if (keys.size() > 1) return value.is_null();
        if (keys.front() == "connection" && value.is_null()) return true;
        if (!value.is_string()) return value.is_null() && keys.front() == "actor";
        const auto& text = value.get_ref<const std::string&>();
        if (text.empty()) return false;
        if (keys.front() == "subject") return take_subject(text);
        if (keys.front() == "connection") return take(connection_, text);
        if (keys.front() == "source") return take(source_, text);
        if (keys.front() == "id") return take(id_, text);
        return false;
    }

    /// A text that only says the kind leaves the rest open.
    bool take_subject(const std::string& text) {
        if (engine::Subject::parse(text)) subject_ = text;
        return text.starts_with(kind_ + "/");
    }

    std::string subject() const {
        if (!subject_.empty()) return subject_;
        return kind_ + "/" + (connection_.empty() ? "" : connection_ + ":") + "example";
    }

    static bool take(std::string& into, const std::string& text) {
        into = text;
        return true;
    }

    const Supposition& world_;
    std::string kind_;
    bool has_past_ = false;  ///< the entity is known before the event
    std::string id_ = "example";
    std::string source_ = "example";
    std::string connection_;
    std::string subject_;
    Json data_ = Json::object();
    Json entity_ = Json::object();
};

struct Merging {
    Json document;
    std::vector<engine::Change> changes;
};

/// The payload's leaves over what was known: what the pipeline's merge does when no times are in its way.
void merge(const Json& payload, const engine::Path& above, const std::string& name,
           const Catalogue& catalogue, Merging& into) {
    for (const auto& [key, value] : payload.items()) {
        auto path = above;
        path.push_back(key);
        const auto field = name + "." + key;
        if (value.is_object()) {
            merge(value, path, field, catalogue, into);
            continue;
        }
        const auto* before = engine::find(into.document, path);
        const auto* declared = catalogue.find(field);
        const bool is_tags = declared != nullptr && declared->type == FieldType::tags;
        const bool same =
            is_tags && before != nullptr && before->is_array() && value.is_array()
                ? same_set(before->get_ref<const Json::array_t&>(), value.get_ref<const Json::array_t&>())
                : same_value(before, &value);
        if (same) continue;
        into.changes.push_back({field, before != nullptr ? *before : Json(), value, "", ""});
        if (value.is_null())
            engine::remove(into.document, path);
        else
            engine::put(into.document, path, value);
    }
}

}  // namespace

Json to_json(const Example& example) {
    Json json{{"at", engine::to_text(supposed_now())}, {"event", example.event}};
    if (!example.entity.is_null()) json["entity"] = example.entity;
    return json;
}

std::optional<Example> example_of(const Supposition& world, const std::string& kind) {
    return Composer(world, kind).run();
}

engine::Decision decide(const RuleSet& rule_set, const Matcher& matcher, const Example& example) {
    auto event = engine::event_from_envelope(engine::TenantName("example"), example.event);
    if (!event) {
        engine::Decision nothing;
        nothing.outcome = engine::Outcome::error;
        return nothing;
    }
    engine::make_plain(event->data);
    event->connection = std::string(event->subject.connection());
    event->received = supposed_now();
    DecisionInput input;
    input.event = &*event;
    input.kind = std::string(event->subject.kind());
    input.now = supposed_now();
    const auto* known = engine::find(example.entity, input.kind);
    Merging merging{known != nullptr ? *known : Json::object(), {}};
    if (const auto* payload = engine::find(event->data, input.kind);
        payload != nullptr && payload->is_object())
        merge(*payload, {}, input.kind, rule_set.catalogue, merging);
    // What is seen for the first time brings changes only when it is just being made.
    if (known == nullptr && event->type != input.kind + ".created") merging.changes.clear();
    input.document = std::move(merging.document);
    input.merged = std::move(merging.changes);
    LinkedObjects linked;
    for (const auto& [kind, value] : event->data.items())
        if (kind != input.kind && value.is_object()) linked[kind] = value;
    input.linked = &linked;
    return decide(rule_set, matcher, std::move(input));
}

}  // namespace rules
