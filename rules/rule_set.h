#pragma once
/// RuleSet: all rules and policies of a tenant at one content hash, compiled and immutable.

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/diagnostic.h"
#include "engine/base/json.h"
#include "engine/base/time.h"
#include "engine/model/action_signature.h"
#include "rules/catalogue.h"
#include "rules/evaluator/regex.h"
#include "rules/evaluator/template.h"

namespace rules {

enum class Operator {
    eq,
    ne,
    in,
    not_in,
    gt,
    gte,
    lt,
    lte,
    between,
    contains,
    not_contains,
    starts_with,
    ends_with,
    matches,
    any_word,
    has,
    has_any,
    has_all,
    has_none,
    exists,
    changed,
    changed_from,
    changed_to,
    older_than,
    newer_than,
    cidr,
    within_hours,
    count_over,
    lua,  ///< no operator that a field can have: a script is asked
};
std::string_view name_of(Operator op);
std::optional<Operator> parse_operator(std::string_view name);
std::vector<std::string> operator_names();

/// Where a condition or template reads: the root (`ticket`, `event`, `contact`) and the keys below it.
struct FieldPath {
    std::string text;  ///< dotted, as written
    std::string root;
    engine::Path keys;  ///< without the root
    FieldType type = FieldType::any;
};

struct ScriptSet;
/// A function of the tenant's Lua.
struct ScriptRef {
    std::shared_ptr<const ScriptSet> scripts;
    std::string file;      ///< `scripts/vip.lua`
    std::string function;  ///< of the table that the file returns; empty = what it returns is the function
    engine::Place place;   ///< where it is named
    std::string rule;      ///< whose it is
};
/// `scripts/vip.lua#is_vip`
std::string to_text(const ScriptRef& script);

class Calendar;
class Schedule;
/// By the names that rules and policies use.
using Calendars = std::map<std::string, std::shared_ptr<const Calendar>>;

/// An IPv4 or IPv6 network.
struct Network {
    std::array<std::uint8_t, 16> address{};  ///< IPv4 as ::ffff:a.b.c.d
    int prefix = 128;
};

/// `field: { op: operand }`. Only the members that the operator uses are set.
struct Comparison {
    FieldPath field;
    Operator op = Operator::eq;
    engine::Json operand;                      ///< as written, of the field's type
    bool case_sensitive = false;               ///< `case: true`; for the text operators
    std::vector<std::string> words;            ///< folded operands of the text operators
    std::vector<Regex> patterns;               ///< of `matches`
    std::vector<Network> networks;             ///< of `cidr`
    engine::Duration span{};                   ///< of `older_than`, `newer_than` and `count_over`
    std::shared_ptr<const Calendar> calendar;  ///< of `within_hours`
    std::string rate;                          ///< of `count_over`: the id of what is counted
    std::size_t needed = 0;                    ///< of `count_over`: so many events, or more
    std::shared_ptr<const ScriptRef> script;   ///< of `lua`
};

/// Reads `10.0.0.0/8`, `2001:db8::/32` or a single address. Fails with invalid_input naming the text.
engine::Result<Network> parse_network(std::string_view text);
/// Reads an address; nothing when the text is none.
std::optional<std::array<std::uint8_t, 16>> parse_address(std::string_view text);

/// Events that are counted by the value of a field of their entities, for `count_over`.
struct Rate {
    std::string id;                 ///< `ticket.requester.id on ticket.created`
    FieldPath field;                ///< its root is the kind of the entities
    std::vector<std::string> on;    ///< event types and globs, sorted
    engine::Duration within_max{};  ///< so long some condition looks back
    std::size_t needed_max = 0;     ///< nobody asks for more
};

/// Fills what the operator needs beside the operand: words, patterns, networks, span, rate. Fails with
/// invalid_input or exhausted, naming what is wrong with the operand.
engine::Result<void> compile(Comparison& comparison);

struct Condition {
    enum class Kind { all, any, none, negation, comparison };
    Kind kind = Kind::all;
    std::vector<Condition> children;  ///< an empty `all` is true
    Comparison comparison;
    engine::Place place;
};

struct Step;
/// All values are rendered on the state before the step, then written in order.
struct SetStep {
    std::vector<std::pair<FieldPath, ValueTemplate>> fields;
};
struct UnsetStep {
    std::vector<FieldPath> fields;
};
/// Tags go to `<kind>.tags` of the subject's entity, or to the named field of type tags.
struct TagsStep {
    FieldPath field;
    std::vector<Template> tags;
    bool add = true;
};
/// `assign: ana` or `assign: { assignee: …, group: …, queue: … }`: fields of the subject's entity.
struct AssignStep {
    std::vector<std::pair<FieldPath, ValueTemplate>> fields;
};
/// Nobody waits longer, and what stands in the journal must be a date.
inline constexpr engine::Duration timer_span_max = std::chrono::days(36'525);

/// A later moment: so long from the decision's clock, or a time; one of the two. With a calendar a span is
/// open time, and a time is moved to when it is open.
struct Moment {
    std::optional<Template> after;
    std::optional<Template> at;
    std::string calendar_name;
    std::shared_ptr<const Calendar> calendar;
};
struct EmitStep {
    Template type;
    std::optional<Template> subject;
    ValueTemplate data;
    std::optional<Moment> when;    ///< later: as a timer of the event's own lane
    std::optional<Template> name;  ///< of the timer; without it the type
};
struct StopStep {};
/// The steps behind it run as a timer, on fresh state.
struct WaitStep {
    Moment until;
    bool recheck = false;                     ///< the rule's conditions must hold again
    std::optional<engine::Duration> expires;  ///< so late they run no more
};
/// Ends timers of the event's lane; those that are not there are no mistake.
struct CancelStep {
    std::vector<Template> timers;
};
/// The steps behind it run once such an event has come to the entity; those of `otherwise` run in their place
/// when none has in time.
struct WaitForStep {
    std::vector<std::string> on;  ///< event types or globs
    Condition when;               ///< holds on what that event leaves of the entity
    Moment until;
    std::vector<Step> otherwise;
    bool recheck = false;  ///< the rule's conditions must hold again
};
struct IfStep {
    Condition condition;
    std::vector<Step> then;
    std::vector<Step> otherwise;
};
/// `score: { worth-a-call: 10 }`: points that a rule gives for good, or takes.
struct ScoreStep {
    struct Gift {
        std::string score;
        std::string kind;         ///< of the score's entities
        std::int64_t points = 0;  ///< hundredths
    };
    std::vector<Gift> gifts;
};
/// `escalate: retention-leads`: begins an escalation, or says what becomes of one.
struct EscalateStep {
    enum class Wish { start, restart, acknowledge, end };
    Wish wish = Wish::start;
    std::string escalation;
    std::string kind;  ///< of the escalation's entities
};
std::string_view name_of(EscalateStep::Wish wish);
/// `route: retention`: into that queue, and to an agent who has room.
struct RouteStep {
    std::vector<std::string> queues;  ///< asked in order; empty = all of the kind
    bool asks_conditions = false;     ///< the first whose `when` holds, instead of the one named
    FieldPath queue_field;            ///< of a queue that routing.yaml does not know: only this is written
};
struct EscalationWish {
    EscalateStep step;
    std::string rule;  ///< whose step it is
};
struct CallStep {
    std::string connection;
    std::string action;
    ValueTemplate params;
    std::string as;
    std::vector<std::pair<FieldPath, FieldPath>> save;  ///< field of the entity ← path below `result`
    bool relaxed = false;
};

/// `lua: scripts/enrich.lua#run`: what it asks for is done as if steps had said so.
struct LuaStep {
    ScriptRef script;
    ValueTemplate args;  ///< `with`, read as `ctx.args`
};

struct Step {
    std::variant<SetStep, UnsetStep, TagsStep, AssignStep, EmitStep, StopStep, IfStep, CallStep, WaitStep,
                 CancelStep, WaitForStep, ScoreStep, EscalateStep, RouteStep, LuaStep>
        what;
    engine::Place place;
    /// `as` names whose results this step (conditions and templates, nested ones too) reads.
    std::vector<std::string> reads_results;
};

enum class Chaining { cascade, restart, snapshot, none };
enum class OnConflict { last, first, fail };
enum class OnError { rule, event, lane };

/// Why something that the checker finds is meant.
struct Acceptance {
    std::string kind;   ///< the class of the finding
    std::string other;  ///< the other rule it concerns; empty = whichever
    std::string reason;
    engine::Place place;
};

struct Rule {
    std::string id;
    std::string description;
    bool enabled = true;
    std::vector<std::string> on;  ///< event types or globs
    int order = 500;
    std::string group;  ///< empty = none
    bool stop = false;
    bool repeat = false;
    std::optional<OnError> on_error;
    Condition when;
    std::vector<Step> then;
    std::vector<Acceptance> accepts;
    /// `on: schedule`: when an event `schedule.<id>` comes, about `schedule/<id>` or, of a sweep, about every
    /// entity of a kind.
    std::shared_ptr<const Schedule> schedule;
    std::string sweeps;  ///< the kind; empty = no sweep
    engine::Place place;
};

struct Group {
    bool first_match = false;
};

enum class SlaMetric {
    first_response,   ///< from its beginning to the first answer of an agent
    next_response,    ///< from the oldest message of the customer without an answer to the answer
    periodic_update,  ///< from one message of an agent to the next
    pausable_update,  ///< the same, but not while the customer is waited for
    requester_wait,   ///< until it is done, but for when the customer is waited for
    agent_work,       ///< until it is done, while it is new or open
    resolution,       ///< until it is done
    ownership,        ///< from one group to the next, or until it is done
};

std::string_view name_of(SlaMetric metric);
std::optional<SlaMetric> parse_sla_metric(std::string_view name);
const std::vector<SlaMetric>& sla_metrics();
std::vector<std::string> sla_metric_names();

/// What a clock that has ended does when the entity is worked on again.
enum class SlaReopen {
    resume,   ///< goes on with the time used
    ignore,   ///< has ended for good
    restart,  ///< begins anew
};

/// When a clock warns: when that share of its target is used, or so long before all of it is.
struct SlaWarning {
    std::optional<double> share;  ///< above 0, below 1
    engine::Duration before{};
};

/// One metric of one policy.
struct SlaTarget {
    std::map<std::string, engine::Duration> by_priority;  ///< "" = every other
    std::string calendar_name;                            ///< empty = every hour counts
    std::shared_ptr<const Calendar> calendar;
    bool due_at_next_opening = false;
    std::optional<Condition> pause;    ///< in place of what the metric has by itself
    std::vector<SlaWarning> warnings;  ///< as they follow each other
    SlaReopen reopen = SlaReopen::resume;
};

struct SlaPolicy {
    std::string id;
    std::string kind = "ticket";  ///< of entity
    Condition when;
    std::map<SlaMetric, SlaTarget> targets;
    engine::Place place;
};

class Tagging;
struct Score;
/// In the order of the file.
using Scores = std::vector<Score>;
struct Routing;

/// Limits and modes of a rule set, from tenant.yaml and rules.yaml.
struct RuleSetOptions {
    Chaining chaining = Chaining::cascade;
    OnConflict on_conflict = OnConflict::last;
    OnError on_error = OnError::rule;
    int passes_max = 16;
    int hops_max = 16;
    int actions_max = 64;                    ///< per decision
    int emits_max = 64;                      ///< per decision
    int descendants_max = 4096;              ///< into which an event from outside may branch
    int timers_max = 64;                     ///< set or cancelled by one decision
    int lane_timers_max = 1000;              ///< of one entity, at once
    int script_runs_max = 64;                ///< per decision
    int script_fuel_max = 10'000'000;        ///< of all runs of a decision, again and again for answers
    int rendered_bytes_max = 4 << 20;        ///< of all values that templates of one decision take
    std::size_t text_bytes_max = 64 * 1024;  ///< of one rendered text
    std::map<std::string, Group> groups;
};

struct RuleSet {
    std::string version;  ///< `sha256:<hex>` over the names and bytes of the files
    RuleSetOptions options;
    Catalogue catalogue;
    Calendars calendars;
    std::vector<SlaPolicy> sla;                ///< in the order in which they are tried
    std::shared_ptr<const Tagging> tagging;    ///< null = none
    std::shared_ptr<const Scores> scores;      ///< null = none
    std::shared_ptr<const Routing> routing;    ///< null = none
    std::shared_ptr<const ScriptSet> scripts;  ///< null = none
    std::vector<Rate> rates;                   ///< that conditions of the rules ask for, by id
    std::vector<std::string> awaited;          ///< event types and globs that rules are on or wait for
    std::vector<Rule> rules;  ///< enabled ones, in evaluation order: (order, file path, position)
    engine::ConnectionSignatures connections;
};

/// The rule is of a group of which one fires in a pass.
bool is_first_match(const RuleSet& rule_set, const Rule& rule);

}  // namespace rules
