#include "rules/catalogue.h"

#include <algorithm>

#include "engine/base/text.h"
#include "rules/rule_set.h"

namespace rules {
namespace {

struct Shipped {
    const char* path;
    FieldType type;
    const char* description;
    std::vector<std::string> values = {};
};

constexpr auto text = FieldType::text;
constexpr auto number = FieldType::number;
constexpr auto boolean = FieldType::boolean;
constexpr auto instant = FieldType::instant;
constexpr auto tags = FieldType::tags;
constexpr auto list = FieldType::list;
constexpr auto object = FieldType::object;
constexpr auto any = FieldType::any;

const std::vector<std::string> statuses{"new", "open", "pending", "on_hold", "solved", "closed"};
const std::vector<std::string> priorities{"low", "normal", "high", "urgent"};
const std::vector<std::string> directions{"inbound", "outbound"};
const std::vector<std::string> sentiments{"negative", "neutral", "positive"};

const std::vector<Shipped>& event_fields() {
    static const std::vector<Shipped> fields{
        {"event.id", text, "unique together with the source"},
        {"event.type", text, "such as ticket.created"},
        {"event.source", text, "who sent it: connector/connection, or what the envelope says"},
        {"event.subject", text, "the entity's key"},
        {"event.connection", text, "the connection it came through"},
        {"event.actor", text, "who did it at the source"},
        {"event.time", instant, "when it happened at the source, else when it came in"},
        {"event.data", object, "the payload as it came"},
        {"event.data.*", any, "whatever the payload holds"},
        {"changes", list, "what changed: field, from, to, rule or actor"},
        {"now", instant, "the decision's clock"},
    };
    return fields;
}

/// Of each clock of a service level.
const std::vector<Shipped>& sla_fields() {
    static const std::vector<Shipped> fields{
        {"state",
         text,
         "running, paused, met, late or cancelled",
         {"running", "paused", "met", "late", "cancelled"}},
        {"started_at", instant, "when it began"},
        {"due_at", instant, "when its target will be used up; absent while it stands"},
        {"used_seconds", number, "how much of the target is used"},
        {"remaining_seconds", number, "how much is left; below 0 when it is late"},
        {"target_seconds", number, "how much there is"},
        {"breached", boolean, "whether it is late, or was"},
        {"breached_at", instant, "since when"},
        {"ended_at", instant, "when it ended"},
    };
    return fields;
}

const std::vector<Shipped>& ticket_fields() {
    static const std::vector<Shipped> fields{
        {"ticket.id", text, "the vendor's id"},
        {"ticket.number", text, "the number people use for it"},
        {"ticket.subject", text, "one line"},
        {"ticket.description", text, "the first message, or what the source calls description"},
        {"ticket.status", text, "where it stands", statuses},
        {"ticket.priority", text, "how pressing it is", priorities},
        {"ticket.type", text, "problem, incident, question, task, …"},
        {"ticket.channel", text, "email, chat, web, phone, …"},
        {"ticket.queue", text, "the queue or inbox it waits in"},
        {"ticket.group", text, "the team it is assigned to"},
        {"ticket.assignee", text, "the agent it is assigned to"},
        {"ticket.tags", tags, "labels"},
        {"ticket.requester", any, "who asks for help"},
        {"ticket.requester.id", text, "the requester's id at the source"},
        {"ticket.requester.email", text, "the requester's e-mail address"},
        {"ticket.requester.name", text, "the requester's name"},
        {"ticket.requester.phone", text, "the requester's phone number"},
        {"ticket.organization", text, "the requester's company"},
        {"ticket.brand", text, "the brand it came to"},
        {"ticket.form", text, "the form it was sent with"},
        {"ticket.category", text, "what it is about"},
        {"ticket.language", text, "such as en or pt-BR"},
        {"ticket.url", text, "where people open it"},
        {"ticket.external_id", text, "its id in another system"},
        {"ticket.conversation_id", text, "the conversation it came from"},
        {"ticket.escalated", boolean, "whether it was escalated"},
        {"ticket.spam", boolean, "whether the source takes it for spam"},
        {"ticket.reopened", boolean, "whether it was solved before"},
        {"ticket.satisfaction", text, "the customer's verdict: good, bad, offered, …"},
        {"ticket.satisfaction_score", number, "the customer's verdict as a number"},
        {"ticket.satisfaction_comment", text, "the customer's words to the verdict"},
        {"ticket.sentiment", text, "the mood of the text", sentiments},
        {"ticket.last_message", text, "the latest public message"},
        {"ticket.message_count", number, "messages so far"},
        {"ticket.cc", tags, "e-mail addresses in copy"},
        {"ticket.custom", object, "fields of the tenant's own"},
        {"ticket.custom.*", any, "a field of the tenant's own"},
        {"ticket.created_at", instant, "when it was opened"},
        {"ticket.updated_at", instant, "when it last changed"},
        {"ticket.due_at", instant, "when it is due"},
        {"ticket.solved_at", instant, "when it was solved"},
        {"ticket.closed_at", instant, "when it was closed"},
        {"ticket.first_reply_at", instant, "when an agent first answered"},
    };
    return fields;
}

const std::vector<Shipped>& conversation_fields() {
    static const std::vector<Shipped> fields{
        {"conversation.id", text, "the vendor's id"},
        {"conversation.subject", text, "one line"},
        {"conversation.status", text, "where it stands", statuses},
        {"conversation.priority", text, "how pressing it is", priorities},
        {"conversation.channel", text, "chat, email, whatsapp, …"},
        {"conversation.queue", text, "the queue or inbox it waits in"},
        {"conversation.group", text, "the team it is assigned to"},
        {"conversation.assignee", text, "the agent it is assigned to"},
        {"conversation.tags", tags, "labels"},
        {"conversation.confidence", number, "how sure the answering machine is, 0 to 1"},
        {"conversation.triggers", tags, "what made it escalate"},
        {"conversation.escalated", boolean, "whether it was handed to a person"},
        {"conversation.escalation_reason", text, "why it was handed to a person"},
        {"conversation.suggested_assignee", text, "whom the source proposes"},
        {"conversation.initial_message", text, "the customer's first words"},
        {"conversation.last_message", text, "the customer's latest words"},
        {"conversation.attempted_response", text, "what the machine would have answered"},
        {"conversation.summary", text, "what it is about, in short"},
        {"conversation.topics", tags, "what it is about, in words"},
        {"conversation.language", text, "such as en or pt-BR"},
        {"conversation.sentiment", text, "the mood of the text", sentiments},
        {"conversation.contact_id", text, "the contact it is with"},
        {"conversation.email", text, "the customer's e-mail address"},
        {"conversation.contact", any, "the customer as the source gives them"},
        {"conversation.contact.id", text, "the customer's id at the source"},
        {"conversation.contact.email", text, "the customer's e-mail address"},
        {"conversation.contact.name", text, "the customer's name"},
        {"conversation.contact.phone", text, "the customer's phone number"},
        {"conversation.ticket_id", text, "the ticket made of it"},
        {"conversation.session_id", text, "the visitor's session"},
        {"conversation.site_url", text, "the site it takes place on"},
        {"conversation.page_url", text, "the page it began on"},
        {"conversation.referrer", text, "where the visitor came from"},
        {"conversation.user_agent", text, "the visitor's browser"},
        {"conversation.ip_address", text, "the visitor's address"},
        {"conversation.country", text, "the visitor's country"},
        {"conversation.message_count", number, "messages so far"},
        {"conversation.duration_minutes", number, "how long it took"},
        {"conversation.satisfaction", number, "the customer's verdict as a number"},
        {"conversation.satisfaction_comment", text, "the customer's words to the verdict"},
        {"conversation.url", text, "where people open it"},
        {"conversation.custom", object, "fields of the tenant's own"},
        {"conversation.custom.*", any, "a field of the tenant's own"},
        {"conversation.created_at", instant, "when it began"},
        {"conversation.updated_at", instant, "when it last changed"},
        {"conversation.ended_at", instant, "when it ended"},
    };
    return fields;
}

const std::vector<Shipped>& message_fields() {
    static const std::vector<Shipped> fields{
        {"message.id", text, "the vendor's id"},
        {"message.conversation_id", text, "the conversation it belongs to"},
        {"message.ticket_id", text, "the ticket it belongs to"},
        {"message.sender", text, "ai, customer, agent, …"},
        {"message.author", any, "who wrote it"},
        {"message.author.id", text, "the author's id at the source"},
        {"message.author.email", text, "the author's e-mail address"},
        {"message.author.name", text, "the author's name"},
        {"message.author.role", text, "customer, agent, bot, …"},
        {"message.subject", text, "one line"},
        {"message.body", text, "as it was sent; may hold markup"},
        {"message.text", text, "without markup"},
        {"message.channel", text, "email, chat, …"},
        {"message.language", text, "such as en or pt-BR"},
        {"message.sentiment", text, "the mood of the text", sentiments},
        {"message.public", boolean, "whether the customer sees it"},
        {"message.direction", text, "from the customer or to them", directions},
        {"message.confidence", number, "how sure the answering machine is, 0 to 1"},
        {"message.processing_time_ms", number, "what the answer took"},
        {"message.tokens", number, "what the answer cost"},
        {"message.sources", list, "what the answer was drawn from"},
        {"message.attachments", list, "files sent with it"},
        {"message.failed", boolean, "whether it could not be sent"},
        {"message.custom", object, "fields of the tenant's own"},
        {"message.custom.*", any, "a field of the tenant's own"},
        {"message.created_at", instant, "when it was written"},
    };
    return fields;
}

const std::vector<Shipped>& contact_fields() {
    static const std::vector<Shipped> fields{
        {"contact.id", text, "the vendor's id"},
        {"contact.name", text, "the full name"},
        {"contact.first_name", text, "the first name"},
        {"contact.last_name", text, "the last name"},
        {"contact.email", text, "the e-mail address"},
        {"contact.phone", text, "the phone number"},
        {"contact.title", text, "the position"},
        {"contact.role", text, "user, lead, agent, …"},
        {"contact.tier", text, "the plan or grade of service"},
        {"contact.company", text, "the company's name"},
        {"contact.company_id", text, "the company they belong to"},
        {"contact.owner", text, "who looks after them"},
        {"contact.lifecycle", text, "lead, customer, …"},
        {"contact.source", text, "where they came from"},
        {"contact.tags", tags, "labels"},
        {"contact.language", text, "such as en or pt-BR"},
        {"contact.timezone", text, "such as Europe/Lisbon"},
        {"contact.country", text, "the country"},
        {"contact.city", text, "the city"},
        {"contact.vip", boolean, "whether they come first"},
        {"contact.blocked", boolean, "whether they are barred"},
        {"contact.unsubscribed", boolean, "whether they want no mail"},
        {"contact.url", text, "where people open it"},
        {"contact.external_id", text, "their id in another system"},
        {"contact.custom", object, "fields of the tenant's own"},
        {"contact.custom.*", any, "a field of the tenant's own"},
        {"contact.created_at", instant, "since when they are known"},
        {"contact.updated_at", instant, "when it last changed"},
        {"contact.last_seen_at", instant, "when they were last here"},
    };
    return fields;
}

const std::vector<Shipped>& company_fields() {
    static const std::vector<Shipped> fields{
        {"company.id", text, "the vendor's id"},
        {"company.name", text, "the name"},
        {"company.domain", text, "the e-mail domain"},
        {"company.website", text, "the site"},
        {"company.industry", text, "what it does"},
        {"company.tier", text, "the plan or grade of service"},
        {"company.plan", text, "what it has bought"},
        {"company.owner", text, "who looks after it"},
        {"company.country", text, "the country"},
        {"company.size", number, "employees"},
        {"company.annual_revenue", number, "what it earns a year"},
        {"company.monthly_spend", number, "what it pays us a month"},
        {"company.tags", tags, "labels"},
        {"company.health", text, "how the relation stands"},
        {"company.url", text, "where people open it"},
        {"company.external_id", text, "its id in another system"},
        {"company.custom", object, "fields of the tenant's own"},
        {"company.custom.*", any, "a field of the tenant's own"},
        {"company.created_at", instant, "since when it is known"},
        {"company.updated_at", instant, "when it last changed"},
        {"company.renewal_at", instant, "when the contract ends"},
    };
    return fields;
}

const std::vector<Shipped>& lead_fields() {
    static const std::vector<Shipped> fields{
        {"lead.id", text, "the vendor's id"},
        {"lead.title", text, "one line"},
        {"lead.name", text, "the person's name"},
        {"lead.first_name", text, "the first name"},
        {"lead.last_name", text, "the last name"},
        {"lead.email", text, "the e-mail address"},
        {"lead.phone", text, "the phone number"},
        {"lead.company", text, "the company's name"},
        {"lead.contact_id", text, "the contact behind it"},
        {"lead.company_id", text, "the company behind it"},
        {"lead.conversation_id", text, "the conversation it came from"},
        {"lead.status", text, "new, contacted, qualified, won, lost, …"},
        {"lead.stage", text, "the step of the pipeline"},
        {"lead.pipeline", text, "the pipeline it runs through"},
        {"lead.score", number, "how promising it is"},
        {"lead.band", text, "the score in words"},
        {"lead.value", number, "what it may bring"},
        {"lead.currency", text, "of the value"},
        {"lead.source", text, "where it came from"},
        {"lead.channel", text, "email, chat, phone, …"},
        {"lead.campaign", text, "what brought it"},
        {"lead.site_url", text, "the site it came through"},
        {"lead.summary", text, "what it is about, in short"},
        {"lead.topics", tags, "what it is about, in words"},
        {"lead.language", text, "such as en or pt-BR"},
        {"lead.country", text, "the country"},
        {"lead.owner", text, "who works on it"},
        {"lead.assignee", text, "the agent it is assigned to"},
        {"lead.group", text, "the team it is assigned to"},
        {"lead.queue", text, "the queue it waits in"},
        {"lead.priority", text, "how pressing it is", priorities},
        {"lead.qualified", boolean, "whether it is worth a call"},
        {"lead.tags", tags, "labels"},
        {"lead.url", text, "where people open it"},
        {"lead.custom", object, "fields of the tenant's own"},
        {"lead.custom.*", any, "a field of the tenant's own"},
        {"lead.created_at", instant, "when it came in"},
        {"lead.updated_at", instant, "when it last changed"},
        {"lead.closes_at", instant, "when it should be won"},
    };
    return fields;
}

/// What rules on a schedule keep from one time to the next.
const std::vector<Shipped>& schedule_fields() {
    static const std::vector<Shipped> fields{
        {"schedule.id", text, "the rule on the schedule"},
        {"schedule.tags", tags, "labels"},
        {"schedule.custom", object, "fields of the tenant's own"},
        {"schedule.custom.*", any, "a field of the tenant's own"},
    };
    return fields;
}

const std::vector<Shipped>& call_fields() {
    static const std::vector<Shipped> fields{
        {"call.id", text, "the vendor's id"},
        {"call.status", text, "ringing, answered, completed, missed, …"},
        {"call.direction", text, "who called", directions},
        {"call.from", text, "the calling number"},
        {"call.to", text, "the called number"},
        {"call.duration", number, "seconds of talk"},
        {"call.wait", number, "seconds before it was answered"},
        {"call.recording_url", text, "where to listen to it"},
        {"call.transcript", text, "what was said"},
        {"call.summary", text, "what it was about, in short"},
        {"call.disposition", text, "how it ended, in the agent's words"},
        {"call.agent", any, "who took it"},
        {"call.agent.id", text, "the agent's id at the source"},
        {"call.agent.email", text, "the agent's e-mail address"},
        {"call.agent.name", text, "the agent's name"},
        {"call.assignee", text, "the agent it is assigned to"},
        {"call.group", text, "the team it is assigned to"},
        {"call.queue", text, "the queue it waited in"},
        {"call.priority", text, "how pressing it is", priorities},
        {"call.ticket_id", text, "the ticket it belongs to"},
        {"call.contact_id", text, "the contact on the line"},
        {"call.customer", any, "the customer as the source gives them"},
        {"call.customer.id", text, "the customer's id at the source"},
        {"call.customer.email", text, "the customer's e-mail address"},
        {"call.customer.name", text, "the customer's name"},
        {"call.customer.phone", text, "the customer's phone number"},
        {"call.voicemail", boolean, "whether a message was left"},
        {"call.missed", boolean, "whether nobody answered"},
        {"call.quality", number, "the line's quality"},
        {"call.sentiment", text, "the mood of the talk", sentiments},
        {"call.language", text, "such as en or pt-BR"},
        {"call.tags", tags, "labels"},
        {"call.url", text, "where people open it"},
        {"call.custom", object, "fields of the tenant's own"},
        {"call.custom.*", any, "a field of the tenant's own"},
        {"call.started_at", instant, "when it rang"},
        {"call.answered_at", instant, "when it was answered"},
        {"call.ended_at", instant, "when it ended"},
        {"call.created_at", instant, "when it was recorded"},
        {"call.updated_at", instant, "when it last changed"},
    };
    return fields;
}

const std::vector<Link>& shipped_links() {
    static const std::vector<Link> links{
        {"ticket.requester.email", "contact", true},
        {"ticket.conversation_id", "conversation", false},
        {"conversation.contact_id", "contact", false},
        {"conversation.email", "contact", true},
        {"conversation.contact.email", "contact", true},
        {"conversation.ticket_id", "ticket", false},
        {"contact.company_id", "company", false},
        {"lead.contact_id", "contact", false},
        {"lead.email", "contact", true},
        {"lead.company_id", "company", false},
        {"lead.conversation_id", "conversation", false},
        {"call.contact_id", "contact", false},
        {"call.customer.email", "contact", true},
        {"call.ticket_id", "ticket", false},
    };
    return links;
}

/// What every kind that a tenant declares has from the start.
std::vector<Shipped> fields_of_new_kind() {
    return {
        {".id", text, "the vendor's id"},
        {".status", text, "where it stands"},
        {".assignee", text, "the agent it is assigned to"},
        {".group", text, "the team it is assigned to"},
        {".queue", text, "the queue it waits in"},
        {".tags", tags, "labels"},
        {".custom", object, "fields of the tenant's own"},
        {".custom.*", any, "a field of the tenant's own"},
        {".created_at", instant, "when it came to be"},
        {".updated_at", instant, "when it last changed"},
    };
}

bool is_open(FieldType type) {
    return type == object || type == any;
}

/// The path one level up; empty at the root.
std::string_view parent_of(std::string_view path) {
    const auto dot = path.rfind('.');
    return dot == std::string_view::npos ? std::string_view() : path.substr(0, dot);
}

}  // namespace

bool is_below(std::string_view path, std::string_view top) {
    return path.size() > top.size() && path[top.size()] == '.' && path.starts_with(top);
}

bool touches(std::string_view one, std::string_view other) {
    return one == other || is_below(one, other) || is_below(other, one);
}

std::string_view name_of(FieldType type) {
    switch (type) {
        case FieldType::text:
            return "text";
        case FieldType::number:
            return "number";
        case FieldType::boolean:
            return "boolean";
        case FieldType::instant:
            return "instant";
        case FieldType::tags:
            return "tags";
        case FieldType::list:
            return "list";
        case FieldType::object:
            return "object";
        case FieldType::any:
            return "any";
    }
    return "any";
}

std::optional<FieldType> parse_field_type(std::string_view name) {
    for (const auto type : {text, number, boolean, instant, tags, list, object, any})
        if (name == name_of(type)) return type;
    return std::nullopt;
}

Catalogue Catalogue::shipped() {
    Catalogue catalogue;
    const auto take = [&](const std::vector<Shipped>& fields) {
        for (const auto& field : fields)
            catalogue.fields_[field.path] = {field.path, field.type, field.values, field.description, false};
    };
    for (const char* kind :
         {"ticket", "conversation", "message", "contact", "company", "lead", "call", "schedule"})
        catalogue.kinds_[kind] = true;
    for (const auto* fields :
         {&event_fields(), &ticket_fields(), &conversation_fields(), &message_fields(), &contact_fields(),
          &company_fields(), &lead_fields(), &call_fields(), &schedule_fields()})
        take(*fields);
    for (const auto& metric : sla_metric_names())
        for (const auto& field : sla_fields()) {
            const auto path = "sla." + metric + "." + field.path;
            catalogue.fields_[path] = {path, field.type, field.values, field.description, false};
        }
    catalogue.fields_["sla.policy"] = {"sla.policy", text, {}, "the policy that holds", false};
    catalogue.links_ = shipped_links();
    return catalogue;
}

void Catalogue::add_escalation(const std::string& id) {
    const auto take = [&](const char* name, FieldType type, std::vector<std::string> values,
                          const char* description) {
        const auto path = "escalations." + id + "." + name;
        fields_[path] = {path, type, std::move(values), description, false};
    };
    take("state", text, {"running", "acknowledged", "exhausted"}, "absent when it is not under way");
    take("level", number, {}, "the last that was reached, counted from 1");
    take("round", number, {}, "how often its levels were begun");
    take("started_at", instant, {}, "");
    take("due_at", instant, {}, "when it goes on by itself");
}

bool Catalogue::add(Field field) {
    for (auto above = parent_of(field.path); !above.empty(); above = parent_of(above)) {
        const auto found = fields_.find(above);
        if (found != fields_.end() && !is_open(found->second.type)) return false;
    }
    const auto known = fields_.find(field.path);
    if (known != fields_.end()) {
        const auto type = known->second.type;
        if (type != any && type != field.type) return false;
        if (field.values.empty() && type == field.type) field.values = known->second.values;
        if (field.description.empty()) field.description = known->second.description;
    }
    if (!is_open(field.type)) remove_below(field.path);
    if (is_open(field.type)) open_below(field.path);
    fields_[field.path] = std::move(field);
    return true;
}

void Catalogue::remove_below(const std::string& path) {
    std::erase_if(fields_, [&](const auto& entry) { return is_below(entry.first, path); });
    std::erase_if(links_, [&](const Link& link) { return is_below(link.field, path); });
}

void Catalogue::open_below(const std::string& path) {
    const auto everything = path + ".*";
    fields_.try_emplace(everything, Field{everything, any, {}, "part of " + path, true});
}

void Catalogue::add_kind(const std::string& kind) {
    if (!kinds_.emplace(kind, true).second) return;
    for (const auto& field : fields_of_new_kind())
        fields_[kind + field.path] = {kind + field.path, field.type, field.values, field.description, true};
}

void Catalogue::add_link(Link link) {
    const auto same_field = [&](const Link& other) { return other.field == link.field; };
    std::erase_if(links_, same_field);
    links_.push_back(std::move(link));
}

bool Catalogue::has_kind(std::string_view kind) const {
    return kinds_.contains(kind);
}

std::vector<std::string> Catalogue::kinds() const {
    std::vector<std::string> names;
    for (const auto& [kind, known] : kinds_) names.push_back(kind);
    return names;
}

const Field* Catalogue::find(std::string_view dotted_path) const {
    const auto exact = fields_.find(dotted_path);
    if (exact != fields_.end()) return &exact->second;
    for (auto above = parent_of(dotted_path); !above.empty(); above = parent_of(above)) {
        const auto around = fields_.find(above);
        if (around != fields_.end() && !is_open(around->second.type)) return nullptr;
        const auto everything = fields_.find(std::string(above) + ".*");
        if (everything != fields_.end()) return &everything->second;
    }
    return nullptr;
}

std::vector<const Field*> Catalogue::below(const std::string& path) const {
    std::vector<const Field*> all;
    for (auto at = fields_.lower_bound(path + "."); at != fields_.end() && is_below(at->first, path); ++at)
        if (!at->first.ends_with(".*")) all.push_back(&at->second);
    return all;
}

std::vector<std::string> Catalogue::paths() const {
    std::vector<std::string> all;
    for (const auto& [path, field] : fields_)
        if (!path.ends_with(".*")) all.push_back(path);
    return all;
}

std::vector<std::string> Catalogue::paths_like(std::string_view dotted_path) const {
    const auto root = std::string(dotted_path.substr(0, dotted_path.find('.')));
    auto all = paths();
    const auto elsewhere = [&](const std::string& path) { return !path.starts_with(root + "."); };
    if (root == "event" || has_kind(root)) std::erase_if(all, elsewhere);
    return all;
}

std::string Catalogue::near_miss(std::string_view dotted_path) const {
    const auto* field = find(dotted_path);
    if (field == nullptr || !field->path.ends_with(".*")) return "";
    const auto prefix = field->path.substr(0, field->path.size() - 1);
    std::vector<std::string> declared;
    for (const auto& path : paths())
        if (path.starts_with(prefix)) declared.push_back(path.substr(prefix.size()));
    const auto near = engine::nearest(dotted_path.substr(prefix.size()), declared);
    return near.empty() ? "" : prefix + near;
}

}  // namespace rules
