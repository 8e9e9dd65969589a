#include "rules/language/reference.h"

#include "rules/rule_set.h"

namespace rules {
namespace {

std::string number(std::size_t value) {
    return std::to_string(value);
}

}  // namespace

const std::vector<Word>& rule_words() {
    static const std::vector<Word> words{
        {"id", "text",
         "Names the rule, once in the tenant. Decisions, tests and `explain` speak of it by this.", ""},
        {"description", "text", "What the rule is for, for people.", ""},
        {"enabled", "boolean", "`false` leaves the rule out. Without it: true.", ""},
        {"on", "event type, or a list",
         "The types of events the rule is tried on; `*` stands for anything: `ticket.*`.", ""},
        {"order", "whole number", "Rules run by it, then by file path, then by position. Without it: 500.",
         ""},
        {"group", "name of a group", "The group of `groups` the rule belongs to.", ""},
        {"stop", "boolean", "When the rule fires, no further rule of this decision runs.", ""},
        {"repeat", "boolean", "The rule may fire again in a later pass of the same decision.", ""},
        {"on_error", "rule, event or lane", "What a failure of this rule does; see the modes below.", ""},
        {"when", "conditions", "What must hold. Without it the rule fires on every event of its types.", ""},
        {"then", "list of steps", "What the rule does, in order. A rule with `stop: true` may do without.",
         ""},
        {"schedule", "map of `cron` and `zone`, or `every`, and `for`",
         "Of a rule with `on: schedule`: when its event comes, and for which kind of entity "
         "([guide](../guides/time.md)).",
         "schedule: { cron: \"0 9 * * mon-fri\", zone: Europe/Berlin }"},
        {"accept", "map of class to reason",
         "Why a finding of `check` about this rule is meant: `{ write-conflict: reason }`, or of one other "
         "rule only, `{ write-conflict: { other-rule: reason } }` ([guide](../guides/checking-rules.md)).",
         ""},
    };
    return words;
}

const std::vector<Word>& group_words() {
    static const std::vector<Word> words{
        {"all", "list of conditions, or a map",
         "Each holds. Several keys in one map, and several operators on one field, mean the same.",
         "all: [ { ticket.status: open }, { ticket.priority: urgent } ]"},
        {"any", "list of conditions, or a map", "At least one holds.",
         "any: [ { contact.tier: enterprise }, { contact.custom.arr: { gte: 50000 } } ]"},
        {"none", "list of conditions, or a map", "None holds.",
         "none: [ { ticket.status: solved }, { ticket.status: closed } ]"},
        {"not", "one condition", "It does not hold.", "not: { ticket.tags: { has: vip } }"},
    };
    return words;
}

const std::vector<Word>& operator_words() {
    static const std::vector<Word> words{
        {"eq", "value", "Is that value, exactly. `field: value` is short for it. Tags compare as sets.",
         "ticket.status: { eq: open }"},
        {"ne", "value", "Is another value, or absent.", "ticket.status: { ne: closed }"},
        {"in", "list", "Is one of them, exactly. `field: [a, b]` is short for it.",
         "ticket.priority: { in: [high, urgent] }"},
        {"not_in", "list", "Is none of them, or absent.", "ticket.type: { not_in: [task, question] }"},
        {"gt", "number or time", "Is greater, or later.", "contact.custom.arr: { gt: 50000 }"},
        {"gte", "number or time", "Is greater or equal.", "contact.custom.arr: { gte: 50000 }"},
        {"lt", "number or time", "Is less, or earlier.", "conversation.confidence: { lt: 0.3 }"},
        {"lte", "number or time", "Is less or equal.", "conversation.confidence: { lte: 0.3 }"},
        {"between", "list of two", "Lies between the two, both included.",
         "conversation.confidence: { between: [0.3, 0.5] }"},
        {"contains", "text or list", "One of the texts occurs in it.",
         "ticket.subject: { contains: [refund, invoice] }"},
        {"not_contains", "text or list", "None of the texts occurs in it, or it is absent.",
         "ticket.subject: { not_contains: test }"},
        {"starts_with", "text or list", "Begins with one of the texts.",
         "ticket.subject: { starts_with: \"[urgent]\" }"},
        {"ends_with", "text or list", "Ends with one of the texts.",
         "ticket.requester.email: { ends_with: \"@example.com\" }"},
        {"any_word", "text or list", "One of the texts occurs as a whole word or phrase.",
         "ticket.description: { any_word: [cancel, \"close my account\"] }"},
        {"matches", "pattern or list", "One of the RE2 patterns is found anywhere in it.",
         "ticket.subject: { matches: \"INC[0-9]{5}\" }"},
        {"has", "value", "The list or the tags hold it.", "ticket.tags: { has: vip }"},
        {"has_any", "list", "They hold one of them.", "ticket.tags: { has_any: [vip, partner] }"},
        {"has_all", "list", "They hold each of them.", "ticket.tags: { has_all: [vip, escalated] }"},
        {"has_none", "list", "They hold none of them, or are absent.",
         "ticket.tags: { has_none: [spam, test] }"},
        {"exists", "boolean", "Is there and not null; `false`: is absent or null.",
         "ticket.assignee: { exists: false }"},
        {"changed", "boolean",
         "The event, or in a later pass a rule, gave it another value; `false`: nobody did.",
         "ticket.status: { changed: true }"},
        {"changed_from", "value or list", "It changed, and was one of these before.",
         "ticket.status: { changed_from: solved }"},
        {"changed_to", "value or list", "It changed, and is one of these now.",
         "ticket.priority: { changed_to: [high, urgent] }"},
        {"older_than", "span of time", "Is a time longer ago than that.",
         "ticket.created_at: { older_than: 2d }"},
        {"newer_than", "span of time", "Is a time less long ago than that.",
         "contact.created_at: { newer_than: 30d }"},
        {"cidr", "network or list", "Is an IP address in one of the networks.",
         "ticket.custom.ip: { cidr: [10.0.0.0/8, \"fd00::/8\"] }"},
        {"within_hours", "name of a calendar",
         "Is a time at which the calendar is open; of `now`, whether it is open now.",
         "now: { within_hours: support }"},
        {"count_over", "map of `at_least` or `more_than`, `within`, and `on`",
         "So many events of the types `on` (without it, the rule's own) came in that time to entities with "
         "the "
         "same value in the field, this one among them ([guide](../guides/rates.md)).",
         "ticket.requester.id: { count_over: { at_least: 3, within: 1h, on: ticket.created } }"},
    };
    return words;
}

const std::vector<Word>& step_words() {
    static const std::vector<Word> words{
        {"set", "map of field to value", "Gives fields of the event's own entity a value; `null` removes it.",
         "set: { ticket.priority: urgent, ticket.custom.team: \"{{ contact.tier }}\" }"},
        {"unset", "field or list", "Removes fields.", "unset: [ticket.assignee, ticket.due_at]"},
        {"add_tags", "list, or a map of one field to a list",
         "Adds to the entity's tags what is not there yet.", "add_tags: [vip, \"from_{{ event.source }}\"]"},
        {"remove_tags", "list, or a map of one field to a list", "Takes tags away.",
         "remove_tags: [waiting]"},
        {"assign", "assignee, or a map of assignee, group, queue", "Sets these fields of the entity.",
         "assign: { group: billing, assignee: null }"},
        {"emit", "event type, or a map of type, subject, data, after or at, calendar, name",
         "Sends an event to its own lane, this entity's when no subject is given; it is decided after this "
         "decision. With `after` or `at`, a timer sends it to this entity's lane then; one of that `name` "
         "(without it, the type) is moved.",
         "emit: { type: ticket.refund_wanted, data: { reason: \"{{ ticket.subject }}\" } }"},
        {"wait", "span of time, or a map of `for` or `until`, and `calendar`",
         "Does the steps behind it later, on what the entity is then. Beside it, `recheck: true`: only if "
         "the "
         "rule's conditions hold then; `expires`: not when it comes so much too late.",
         "{ wait: { for: 4h, calendar: support }, recheck: true }"},
        {"wait_for", "map of `on`, `when`, `timeout` or `until`, and `calendar`",
         "Does the steps behind it once such an event has come to the entity and the conditions hold on what "
         "it "
         "left, on what the entity is then. When none has in time, those of `else` run instead and the rule "
         "ends. Beside it, `recheck: true`: only if the rule's conditions hold then.",
         "{ wait_for: { on: ticket.updated, when: { ticket.status: open }, timeout: 2h }, else: [ { "
         "add_tags: [silent] } ] }"},
        {"score", "score: points",
         "Gives this entity points of a score of `scoring.yaml` for good, or takes them.",
         "score: { readiness: -20 }"},
        {"route", "name of a queue, a list of them, or `true`",
         "Brings this entity into a queue of `routing.yaml`, and to an agent of it who has room; without one "
         "it waits there. Of a list, or of all queues with `true`, the first whose conditions hold. Without "
         "queues in `routing.yaml` the name is only written to `<kind>.queue`.",
         "route: retention"},
        {"escalate", "name of an escalation, or a map of `restart`, `acknowledge` or `end` to one",
         "Begins an escalation of `routing.yaml` for this entity, unless it is under way; or begins it anew, "
         "says "
         "that somebody has taken it on, or ends it.",
         "escalate: retention-leads"},
        {"lua",
         "`scripts/FILE.lua#FUNCTION`, or a map of `script` to one and of `with` to what it reads as "
         "`ctx.args`",
         "Runs the function; what it asks for is done as if steps had said so. Without `#` the file's own "
         "statements "
         "are the function. As a condition, `lua: scripts/FILE.lua#FUNCTION` beside fields asks whether it "
         "returns "
         "true.",
         "lua: scripts/route.lua#run"},
        {"cancel", "name or list", "Ends timers of this entity that `emit` has set for later.",
         "cancel: reminder"},
        {"stop", "true", "Ends this rule. `- stop` is short for it.", "stop: true"},
        {"if", "conditions", "Does the steps of `then` when they hold, else those of `else`.",
         "{ if: { ticket.priority: urgent }, then: [ { add_tags: [urgent] } ], else: [ stop ] }"},
        {"run", "name of a list of steps",
         "Does the steps of that list as if they were written here. Lists stand under `steps`, beside "
         "`rules`, "
         "in any rule file.",
         "run: tell-the-lead"},
    };
    return words;
}

const std::vector<Word>& call_words() {
    static const std::vector<Word> words{
        {"as", "name", "Names the result: later steps read `steps.<name>.result` and wait for it durably.",
         "{ zendesk.create_ticket: { subject: Hello }, as: ticket }"},
        {"save", "map of field to path", "Writes parts of the result into the entity once it is known.",
         "{ zendesk.create_ticket: { subject: Hello }, save: { ticket.custom.copy: result.id } }"},
        {"order", "relaxed", "Later actions of the lane need not wait for this one.",
         "{ slack.post_message: { channel: C1, text: Hello }, order: relaxed }"},
    };
    return words;
}

const std::vector<Word>& filter_words() {
    static const std::vector<Word> words{
        {"default", "value", "The value when there is none, or an empty text.",
         "{{ contact.name | default: 'a customer' }}"},
        {"upper", "", "Upper case.", "{{ ticket.priority | upper }}"},
        {"lower", "", "Lower case.", "{{ contact.email | lower }}"},
        {"trim", "", "Without white space at both ends.", "{{ ticket.subject | trim }}"},
        {"truncate", "number", "At most so many characters, the last one `…`.",
         "{{ ticket.description | truncate: 120 }}"},
        {"date", "format", "A time in UTC, as strftime's format says.",
         "{{ ticket.created_at | date: '%Y-%m-%d %H:%M' }}"},
        {"json", "", "The value as canonical JSON; null too.", "{{ ticket.custom | json }}"},
        {"url_encode", "", "Percent-encoded for a URL.", "{{ contact.email | url_encode }}"},
        {"slack_escape", "", "`&`, `<` and `>` escaped as Slack wants it.",
         "{{ ticket.subject | slack_escape }}"},
        {"round", "decimals (0)", "A number rounded, halves away from zero.",
         "{{ conversation.confidence | round: 2 }}"},
        {"join", "separator (', ')", "The elements of a list as one text.", "{{ ticket.tags | join: ' ' }}"},
        {"first", "", "The first element of a list, or character of a text.", "{{ ticket.tags | first }}"},
        {"last", "", "The last one.", "{{ ticket.tags | last }}"},
        {"size", "", "How many elements or characters; of nothing 0.", "{{ ticket.tags | size }}"},
    };
    return words;
}

const std::vector<Word>& mode_words() {
    static const std::vector<Word> words{
        {"chaining", "cascade, restart, snapshot or none",
         "How rules react to what rules did ([guide](../guides/chaining.md)). Without it: cascade.",
         "chaining: restart"},
        {"on_conflict", "last, first or fail",
         "Whose value stands when two rules want different ones; `fail`: the decision keeps nothing but the "
         "merge. Without it: last.",
         "on_conflict: fail"},
        {"on_error", "rule, event or lane",
         "When a rule fails: only it is undone; the decision keeps nothing but the merge; the same, and the "
         "lane waits for an operator. Without it: rule.",
         "on_error: lane"},
        {"limits", "map of limit to number", "The limits below.", "limits: { passes_max: 8 }"},
    };
    return words;
}

const std::vector<Word>& limit_words() {
    static const RuleSetOptions defaults;
    static const std::vector<Word> words{
        {"passes_max", number(static_cast<std::size_t>(defaults.passes_max)),
         "Passes of one decision; more are outcome `loop`.", ""},
        {"hops_max", number(static_cast<std::size_t>(defaults.hops_max)),
         "How far an event may be from one that came from outside; further ones are outcome `loop`.", ""},
        {"actions_max", number(static_cast<std::size_t>(defaults.actions_max)),
         "Actions of one decision; the rule that asks for more fails.", ""},
        {"emits_max", number(static_cast<std::size_t>(defaults.emits_max)),
         "Events emitted by one decision; the rule that emits more fails.", ""},
        {"descendants_max", number(static_cast<std::size_t>(defaults.descendants_max)),
         "Events into which one from outside may branch, by `emit` and timers, however many decisions on; "
         "the "
         "rule that branches further fails.",
         ""},
        {"timers_max", number(static_cast<std::size_t>(defaults.timers_max)),
         "Timers set or cancelled by one decision; the rule that asks for more fails.", ""},
        {"lane_timers_max", number(static_cast<std::size_t>(defaults.lane_timers_max)),
         "Timers that one entity has at once; the rule that sets one more fails.", ""},
        {"script_runs_max", number(static_cast<std::size_t>(defaults.script_runs_max)),
         "Scripts that one decision runs; the rule that runs more fails.", ""},
        {"script_fuel_max", number(static_cast<std::size_t>(defaults.script_fuel_max)),
         "Work of all scripts of one decision, which run again for each answer that they ask for; once it is "
         "used up, a rule that runs a script fails.",
         ""},
        {"rendered_bytes_max", number(static_cast<std::size_t>(defaults.rendered_bytes_max)),
         "Bytes of all values that templates of one decision take, whole objects such as `{{ event.data }}` "
         "included; the rule that takes more fails.",
         ""},
        {"text_bytes_max", number(defaults.text_bytes_max),
         "Bytes of one rendered text; the rule that renders more fails.", ""},
    };
    return words;
}

}  // namespace rules
