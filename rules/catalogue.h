#pragma once
/// The field catalogue: which kinds of entity there are, their fields, types and enums, and how kinds are
/// linked.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/json.h"

namespace rules {

enum class FieldType {
    text,
    number,
    boolean,
    instant,  ///< RFC 3339 text
    tags,     ///< a list of texts compared as a set
    list,
    object,
    any,
};
std::string_view name_of(FieldType type);
std::optional<FieldType> parse_field_type(std::string_view name);

struct Field {
    std::string path;  ///< dotted, with the kind: `ticket.priority`
    FieldType type = FieldType::text;
    std::vector<std::string> values;  ///< of an enum; empty when any value will do
    std::string description;
    bool from_tenant = false;  ///< declared in the tenant's fields.yaml
};

/// `conversation.contact_id → contact`: the field holds the other entity's id, or, for kinds keyed by
/// people, an e-mail address.
struct Link {
    std::string field;  ///< of the entity that points: `conversation.contact_id`
    std::string kind;   ///< of the entity pointed at
    bool by_email = false;
};

/// `path` leads to something below `top`; both dotted.
bool is_below(std::string_view path, std::string_view top);
/// One is the other or lies below it: what is written to one may change what is read from the other.
bool touches(std::string_view one, std::string_view other);

class Catalogue {
public:
    /// ticket, conversation, message, contact, company, lead, call with their canonical fields and links.
    static Catalogue shipped();

    /// Adds a tenant's field or changes the enum of a shipped one; false when the type contradicts: only a
    /// field of type any may get another type, and a field can only lie below an object.
    bool add(Field field);
    /// A new kind has id, status, assignee, group, queue, tags, custom.*, created_at and updated_at.
    void add_kind(const std::string& kind);
    /// Replaces the link of the same field.
    void add_link(Link link);
    /// Makes readable below `escalations.<id>` where an escalation stands.
    void add_escalation(const std::string& id);

    bool has_kind(std::string_view kind) const;
    /// A kind with a life of its own: a message is only read in the decision that brings it.
    bool is_entity(std::string_view kind) const { return has_kind(kind) && kind != "message"; }
    std::vector<std::string> kinds() const;
    /// The declared field, or one that stands for everything under an open object (`ticket.custom.*` is
    /// FieldType::any until declared), or null; nothing lies below a text or a number.
    /// `ticket.requester.email` style paths are looked up whole.
    const Field* find(std::string_view dotted_path) const;
    /// The fields that are declared below that one, which is an object. They live as long as the catalogue is
    /// not changed.
    std::vector<const Field*> below(const std::string& path) const;
    /// All declared paths, for nearest names and completion.
    std::vector<std::string> paths() const;
    /// Those that a misspelt path may mean: of the same kind, or of `event`, where it begins so.
    std::vector<std::string> paths_like(std::string_view dotted_path) const;
    /// Of a path that find() knows and nobody has declared: the declared one beside it whose name is almost
    /// the same, or "".
    std::string near_miss(std::string_view dotted_path) const;
    const std::vector<Link>& links() const { return links_; }

private:
    void remove_below(const std::string& path);
    void open_below(const std::string& path);

    std::map<std::string, Field, std::less<>> fields_;
    std::map<std::string, bool, std::less<>> kinds_;
    std::vector<Link> links_;
};

}  // namespace rules
