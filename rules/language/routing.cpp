#include "rules/language/routing.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "engine/base/text.h"
#include "engine/base/time.h"
#include "rules/language/conditions.h"
#include "rules/language/context.h"
#include "rules/language/moments.h"
#include "rules/language/on_call.h"
#include "rules/language/reading.h"
#include "rules/language/steps.h"
#include "rules/language/values.h"
#include "rules/policies/routing.h"

namespace rules {
namespace {

using engine::in_quotes;
using engine::YamlNode;

constexpr std::size_t levels_max = 100;
constexpr int repeat_most = 100;
constexpr engine::Duration level_span_max = std::chrono::days(366);

std::vector<std::string> ids_of(const auto& all) {
    std::vector<std::string> ids;
    for (const auto& one : all) ids.push_back(one.id);
    return ids;
}

class RoutingReader {
public:
    RoutingReader(RuleSet& rule_set, Routing& routing, Problems& problems)
        : rule_set_(rule_set), routing_(routing), problems_(problems) {}

    void read(const YamlNode& root) {
        each(root, "agents", [this](const YamlNode& node) { read_agent(node); });
        each(root, "teams", [this](const YamlNode& node) { read_team(node); });
        each(root, "channels", [this](const YamlNode& node) { read_channel(node); });
        each(root, "queues", [this](const YamlNode& node) { read_queue(node); });
        check_queues();
        if (const auto* work = root.find("open_work"); has_content(work)) read_open_work(*work);
        add_usual_open_work();
        if (const auto* schedules = root.find("on_call"); has_content(schedules))
            read_on_call(*schedules, rule_set_.calendars, ids_of(routing_.agents), routing_.on_call,
                         problems_);
        each(root, "escalations", [this](const YamlNode& node) { read_escalation(node); });
    }

private:
    template <class Read>
    void each(const YamlNode& root, const std::string& key, Read read) {
        const auto* list = root.find(key);
        if (!has_content(list) || !expect_list(*list, key, problems_)) return;
        ids_.clear();
        for (const auto& item : list->items)
            if (expect_map(item, "an entry of " + key, problems_)) read(item);
    }

    // ---- ids and names

    /// A word: ids are parts of paths and names of timers.
    std::string read_id(const YamlNode& node, const std::string& what) {
        const auto* id = node.find("id");
        const auto text = read_name(node, what + " has no id");
        constexpr std::size_t bytes_max = 100;
        const bool is_plain = std::all_of(text.begin(), text.end(), [](unsigned char c) {
            return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '@' || c == '+' || c >= 0x80;
        });
        if (!is_plain || text.size() > bytes_max)
            problems_.error("bad-value", id->place,
                            in_quotes(text) +
                                " is no id: it is one word of letters, digits, - and _, of at most " +
                                std::to_string(bytes_max) + " bytes");
        return text;
    }

    /// An id that only one of its section has; any text will do, as for who is assigned, whom the vendor
    /// names.
    std::string read_name(const YamlNode& node, const std::string& if_missing) {
        const auto* id = node.find("id");
        if (id == nullptr) {
            problems_.error("missing-key", node.place, if_missing);
            return "";
        }
        const auto text = read_text(*id, "id", problems_);
        if (!text) return "";
        const auto [known, is_new] = ids_.try_emplace(*text, id->place);
        if (!is_new)
            problems_.error(
                "duplicate-id", id->place,
                in_quotes(*text) + " is there already in line " + std::to_string(known->second.line));
        return *text;
    }

    std::string read_kind(const YamlNode& node, const std::string& usual) {
        const auto* kind = node.find("kind");
        const auto text = kind == nullptr ? std::nullopt : read_text(*kind, "kind", problems_);
        if (!text || rule_set_.catalogue.is_entity(*text)) return text.value_or(usual);
        problems_.error(
            "unknown-kind", kind->place,
            "unknown kind " + in_quotes(*text) + problems_.hint(*text, rule_set_.catalogue.kinds()));
        return usual;
    }

    void read_hours(const YamlNode& node, std::string& name, std::shared_ptr<const Calendar>& calendar) {
        const auto* hours = node.find("hours");
        if (!has_content(hours)) return;
        RuleContext context{rule_set_.catalogue, rule_set_.connections, rule_set_.calendars, problems_};
        calendar = read_calendar_name(*hours, "hours", context);
        name = calendar ? hours->text : "";
    }

    void report_dangling(const std::string& what, const std::string& id, const engine::Place& place,
                         const std::vector<std::string>& known) {
        problems_.error("dangling-" + what, place,
                        "there is no " + what + " " + in_quotes(id) + problems_.hint(id, known));
    }

    // ---- who can be told

    void read_recipient(const YamlNode& node, Recipient& recipient) {
        recipient.place = node.place;
        if (const auto* name = node.find("name"))
            recipient.name = read_text(*name, "name", problems_).value_or("");
        const auto* notify = node.find("notify");
        if (!has_content(notify)) return;
        RuleContext context{rule_set_.catalogue, rule_set_.connections, rule_set_.calendars, problems_};
        context.events = "an escalation";
        context.further_roots = {"escalation", "target"};
        recipient.notify = read_steps(*notify, context);
        for (const auto& step : recipient.notify) check_tells(step);
    }

    /// Steps that only tell: what rules do about it, they do on `escalation.stepped`.
    void check_tells(const Step& step) {
        const auto* call = std::get_if<CallStep>(&step.what);
        const auto* emit = std::get_if<EmitStep>(&step.what);
        const auto* choice = std::get_if<IfStep>(&step.what);
        const bool has_result = call != nullptr && (!call->as.empty() || !call->save.empty());
        const bool is_later = emit != nullptr && emit->when.has_value();
        if (choice != nullptr) {
            for (const auto& inner : choice->then) check_tells(inner);
            for (const auto& inner : choice->otherwise) check_tells(inner);
        } else if ((call == nullptr && emit == nullptr) || has_result || is_later) {
            problems_.error("bad-value", step.place,
                            "notify only sends: actions without as and save, emit without after and at, "
                            "and if; let a rule on escalation.stepped do the rest");
        }
    }

    void read_agent(const YamlNode& node) {
        check_keys(node, agent_keys(), "an agent", problems_);
        Agent agent;
        agent.id = read_name(node, "the agent has no id: write what stands in assignee");
        read_recipient(node, agent);
        read_hours(node, agent.calendar_name, agent.calendar);
        if (const auto* skills = node.find("skills"); has_content(skills)) read_skills(*skills, agent);
        if (const auto* capacity = node.find("capacity"); has_content(capacity))
            read_capacity(*capacity, agent.capacity);
        routing_.agent_numbers.emplace(agent.id, routing_.agents.size());
        routing_.agents.push_back(std::move(agent));
    }

    /// A list, or a map with how good the agent is at each.
    void read_skills(const YamlNode& node, Agent& agent) {
        constexpr int level_most = 100;
        if (node.is_map()) {
            for (const auto& entry : node.entries)
                if (const auto level = read_integer(entry.value, entry.key, 1, level_most, problems_))
                    agent.skills[entry.key] = *level;
        } else if (const auto skills = read_texts(node, "skills", problems_)) {
            for (const auto& skill : *skills) agent.skills[skill] = 1;
        }
    }

    /// A number for all channels together, or one for each.
    void read_capacity(const YamlNode& node, Capacity& capacity) {
        constexpr int capacity_most = 100'000;
        if (!node.is_map()) {
            capacity.in_all = read_integer(node, "capacity", 0, capacity_most, problems_);
            return;
        }
        for (const auto& entry : node.entries) {
            const auto most = read_integer(entry.value, entry.key, 0, capacity_most, problems_);
            if (!most) continue;
            if (entry.key == "all")
                capacity.in_all = most;
            else if (entry.key == "other")
                capacity.other_channels = most;
            else
                capacity.by_channel[entry.key] = *most;
        }
    }

    void read_team(const YamlNode& node) {
        check_keys(node, team_keys(), "a team", problems_);
        Team team;
        team.id = read_id(node, "the team");
        read_recipient(node, team);
        read_hours(node, team.calendar_name, team.calendar);
        team.group = team.id;
        if (const auto* group = node.find("group"))
            team.group = read_text(*group, "group", problems_).value_or(team.id);
        const auto* members = node.find("members");
        if (!has_content(members)) {
            problems_.error("missing-key", node.place, "the team has no members");
        } else if (const auto ids = read_texts(*members, "members", problems_)) {
            const auto known = ids_of(routing_.agents);
            for (std::size_t i = 0; i < ids->size(); ++i) {
                const auto& place = members->is_list() ? members->items[i].place : members->place;
                if (!has(known, (*ids)[i])) report_dangling("person", (*ids)[i], place, known);
                if (has(team.members, (*ids)[i]))
                    problems_.error("bad-value", place, in_quotes((*ids)[i]) + " is a member twice");
                team.members.push_back((*ids)[i]);
            }
        }
        routing_.teams.push_back(std::move(team));
    }

    void read_channel(const YamlNode& node) {
        check_keys(node, channel_keys(), "a channel", problems_);
        Recipient channel;
        channel.id = read_id(node, "the channel");
        read_recipient(node, channel);
        if (channel.notify.empty() && !has_content(node.find("notify")))
            problems_.error("missing-key", node.place,
                            "the channel has no notify: write the actions by which something is said there");
        routing_.channels.push_back(std::move(channel));
    }

    // ---- queues

    RuleContext context_of(const std::string& kind, const std::string& what) const {
        RuleContext context{rule_set_.catalogue, rule_set_.connections, rule_set_.calendars, problems_};
        context.subject_kinds = {kind};
        context.events = what + " of a " + kind;
        return context;
    }

    std::optional<FieldPath> field_of_kind(const std::string& kind, const std::string& path) const {
        const auto* field = rule_set_.catalogue.find(kind + "." + path);
        if (field == nullptr) return std::nullopt;
        return FieldPath{kind + "." + path, kind, engine::path_of(path), field->type};
    }

    void read_queue(const YamlNode& node) {
        check_keys(node, queue_keys(), "a queue", problems_);
        Queue queue;
        queue.place = node.place;
        queue.id = read_id(node, "the queue");
        queue.writer = "routing:" + queue.id;
        queue.kind = read_kind(node, queue.kind);
        auto context = context_of(queue.kind, "a queue");
        if (const auto* when = node.find("when"); has_content(when))
            queue.when = read_condition(*when, context);
        read_teams(node, queue);
        if (const auto* strategy = node.find("strategy"))
            if (const auto choice = read_choice(*strategy, "strategy", routing_strategy_names(), problems_))
                queue.strategy = static_cast<RoutingStrategy>(*choice);
        read_wanted_skills(node, queue, context);
        if (const auto* priority = node.find("priority"))
            queue.priority = read_integer(*priority, "priority", 1, 100, problems_).value_or(queue.priority);
        read_hours(node, queue.calendar_name, queue.calendar);
        if (const auto* other = node.find("out_of_hours")) {
            queue.out_of_hours = read_text(*other, "out_of_hours", problems_).value_or("");
            if (node.find("hours") == nullptr)
                problems_.error("bad-value", other->place,
                                "out_of_hours needs hours: without it is always open");
            others_.push_back({queue.id, queue.out_of_hours, "out_of_hours", other->place});
        }
        read_overflow(node, queue);
        read_fields(node, queue);
        routing_.queues.push_back(std::move(queue));
    }

    void read_teams(const YamlNode& node, Queue& queue) {
        const auto* teams = node.find("teams");
        if (!has_content(teams)) return problems_.error("missing-key", node.place, "the queue has no teams");
        const auto ids = read_texts(*teams, "teams", problems_);
        if (!ids) return;
        const auto known = ids_of(routing_.teams);
        for (std::size_t i = 0; i < ids->size(); ++i) {
            const auto& place = teams->is_list() ? teams->items[i].place : teams->place;
            if (!has(known, (*ids)[i])) report_dangling("team", (*ids)[i], place, known);
            queue.teams.push_back((*ids)[i]);
        }
    }

    /// Names, or templates that give one.
    void read_wanted_skills(const YamlNode& node, Queue& queue, RuleContext& context) {
        const auto* skills = node.find("skills");
        if (!has_content(skills)) return;
        std::vector<std::string> known;
        for (const auto& agent : routing_.agents)
            for (const auto& [skill, level] : agent.skills) known.push_back(skill);
        const auto take = [&](const YamlNode& item) {
            auto skill = read_template(item, "skills", context);
            if (!skill) return;
            if (skill->is_constant() && !has(known, item.text))
                problems_.error(
                    "dangling-skill", item.place,
                    "no agent has the skill " + in_quotes(item.text) + problems_.hint(item.text, known));
            queue.skills.push_back(*std::move(skill));
        };
        if (skills->is_list())
            for (const auto& item : skills->items) take(item);
        else
            take(*skills);
    }

    void read_overflow(const YamlNode& node, Queue& queue) {
        const auto* overflow = node.find("overflow");
        if (overflow == nullptr || !expect_map(*overflow, "overflow", problems_)) return;
        check_keys(*overflow, overflow_keys(), "overflow", problems_);
        const auto [after, to] =
            need_both(*overflow, "after", "to", "overflow", "{ after: 10m, to: general }", problems_);
        if (after == nullptr) return;
        queue.overflow_after = read_span(*after, "after", false);
        queue.overflow_to = read_text(*to, "to", problems_).value_or("");
        others_.push_back({queue.id, queue.overflow_to, "overflow", to->place});
        const auto* clock = overflow->find("clock");
        if (clock == nullptr) return;
        queue.overflow_in_hours = read_choice(*clock, "clock", {"always", "hours"}, problems_) == 1U;
        if (queue.overflow_in_hours && node.find("hours") == nullptr)
            problems_.error("bad-value", clock->place,
                            "clock: hours needs hours of the queue: without them it is always open");
    }

    void read_fields(const YamlNode& node, Queue& queue) {
        const auto queue_field = field_of_kind(queue.kind, "queue");
        const auto assignee_field = field_of_kind(queue.kind, "assignee");
        if (!queue_field || !assignee_field)
            return problems_.error(
                "bad-value", node.place,
                "a " + queue.kind + " cannot be routed: it has no fields queue and assignee");
        queue.queue_field = *queue_field;
        queue.assignee_field = *assignee_field;
        queue.group_field = field_of_kind(queue.kind, "group");
        queue.channel_field = field_of_kind(queue.kind, "channel");
        queue.sticky_field = field_of_kind(queue.kind, "requester.id");
        if (!queue.sticky_field) queue.sticky_field = field_of_kind(queue.kind, "contact_id");
    }

    /// What stands in for others is there, is of the same kind, and comes to an end.
    void check_queues() {
        for (const auto& [from, to, key, place] : others_) {
            const auto* queue = queue_named(routing_, to);
            const auto* own = queue_named(routing_, from);
            if (queue == nullptr) {
                report_dangling("queue", to, place, ids_of(routing_.queues));
            } else if (own != nullptr && queue->kind != own->kind) {
                problems_.error("wrong-entity", place,
                                in_quotes(to) + " is a queue of a " + queue->kind + ", and " +
                                    in_quotes(from) + " one of a " + own->kind);
            } else if (leads_back(from, key)) {
                problems_.error("bad-value", place, key + " leads back to " + in_quotes(from));
            }
        }
    }

    bool leads_back(const std::string& from, const std::string& key) const {
        auto at = from;
        for (std::size_t i = 0; i <= routing_.queues.size(); ++i) {
            const auto* queue = queue_named(routing_, at);
            if (queue == nullptr) return false;
            at = key == "overflow" ? queue->overflow_to : queue->out_of_hours;
            if (at == from) return true;
        }
        return false;
    }

    /// `open_work: { ticket: conditions }`: what counts as its assignee's work.
    void read_open_work(const YamlNode& node) {
        if (!expect_map(node, "open_work", problems_)) return;
        for (const auto& entry : node.entries) {
            if (!rule_set_.catalogue.is_entity(entry.key)) {
                problems_.error("unknown-kind", entry.place,
                                "unknown kind " + in_quotes(entry.key) +
                                    problems_.hint(entry.key, rule_set_.catalogue.kinds()));
                continue;
            }
            auto context = context_of(entry.key, "a queue");
            routing_.open_work[entry.key] = read_condition(entry.value, context);
        }
    }

    void add_usual_open_work() {
        for (const auto& queue : routing_.queues) {
            auto done = is_done(queue.kind, queue.place);
            if (routing_.open_work.contains(queue.kind)) continue;
            Condition open;
            open.kind = Condition::Kind::none;
            if (done) open.children.push_back(*std::move(done));
            routing_.open_work[queue.kind] = std::move(open);
        }
    }

    /// Solved or closed, as far as its kind knows these; nothing when it knows neither.
    std::optional<Condition> is_done(const std::string& kind, const engine::Place& place) const {
        const auto path = kind + ".status";
        const auto* status = rule_set_.catalogue.find(path);
        std::vector<std::string> done;
        for (const char* value : {"solved", "closed"})
            if (status != nullptr && has(status->values, value)) done.emplace_back(value);
        if (done.empty()) return std::nullopt;
        Condition condition;
        condition.kind = Condition::Kind::comparison;
        condition.place = place;
        condition.comparison.field = {path, kind, {"status"}, status->type};
        condition.comparison.op = Operator::in;
        condition.comparison.operand = done;
        return condition;
    }

    // ---- escalations

    void read_escalation(const YamlNode& node) {
        check_keys(node, escalation_keys(), "an escalation", problems_);
        Escalation escalation;
        escalation.place = node.place;
        escalation.id = read_id(node, "the escalation");
        escalation.writer = escalation_timer_name(escalation.id);
        escalation.kind = read_kind(node, escalation.kind);
        read_hours(node, escalation.calendar_name, escalation.calendar);
        read_levels(node, escalation);
        read_repeat(node, escalation);
        read_acknowledged(node, escalation);
        read_ends(node, escalation);
        if (escalation.id.empty() || escalation.levels.empty()) return;
        rule_set_.catalogue.add_escalation(escalation.id);
        routing_.escalations.push_back(std::move(escalation));
    }

    void read_levels(const YamlNode& node, Escalation& escalation) {
        const auto* levels = node.find("levels");
        if (!has_content(levels) || (levels->is_list() && levels->items.empty()))
            return problems_.error("missing-key", node.place, "the escalation has no levels");
        if (!expect_list(*levels, "levels", problems_)) return;
        if (levels->items.size() > levels_max)
            problems_.error("limit", levels->place,
                            "an escalation has at most " + std::to_string(levels_max) + " levels");
        for (const auto& item : levels->items) {
            if (!expect_map(item, "a level", problems_)) continue;
            check_keys(item, escalation_level_keys(), "a level", problems_);
            read_level(item, escalation);
        }
    }

    void read_level(const YamlNode& node, Escalation& escalation) {
        EscalationLevel level;
        level.place = node.place;
        const auto* after = node.find("after");
        const bool is_first = escalation.levels.empty();
        if (after != nullptr) level.after = read_span(*after, "after", is_first).value_or(level.after);
        if (after == nullptr && !is_first)
            problems_.error("missing-key", node.place,
                            "the level has no after: say how long the level before it has");
        if (const auto* when = node.find("when"); has_content(when)) {
            auto context = context_of(escalation.kind, "an escalation");
            level.when = read_condition(*when, context);
        }
        const auto* notify = node.find("notify");
        if (!has_content(notify))
            problems_.error("missing-key", node.place, "the level has nobody to notify");
        else if (expect_list(*notify, "notify", problems_))
            for (const auto& item : notify->items) read_target(item, level);
        escalation.levels.push_back(std::move(level));
    }

    std::optional<engine::Duration> read_span(const YamlNode& node, const std::string& what, bool may_be_0) {
        const auto text = read_text(node, what, problems_);
        if (!text) return std::nullopt;
        const auto span = engine::parse_duration(*text);
        const auto least = may_be_0 ? engine::Duration(0) : engine::Duration(std::chrono::seconds(1));
        if (span && *span >= least && *span <= level_span_max) return *span;
        problems_.error("bad-value", node.place,
                        in_quotes(*text) + " is no span of time for " + what + ": write one such as 15m" +
                            (may_be_0 ? "" : ", of a second at least"));
        return std::nullopt;
    }

    /// `person: ana` and the like.
    void read_target(const YamlNode& node, EscalationLevel& level) {
        if (!expect_map(node, "a target", problems_)) return;
        check_keys(node, notify_target_keys(), "a target", problems_);
        if (node.entries.size() != 1)
            return problems_.error("bad-value", node.place, "name one target: give each its own \"- \"");
        const auto& entry = node.entries.front();
        const auto kind = kind_of_target(entry.key);
        const auto id = read_text(entry.value, entry.key, problems_);
        if (!kind || !id) return;
        const NotifyTarget target{*kind, *id};
        if (!has_target(routing_, target))
            return report_dangling(entry.key == "on_call" ? "on-call" : entry.key, *id, entry.value.place,
                                   ids_of_targets(*kind));
        check_can_be_told(target, entry.value.place);
        level.notify.push_back(target);
    }

    static std::optional<NotifyTarget::Kind> kind_of_target(const std::string& name) {
        const auto names = notify_target_keys();
        const auto found = std::find(names.begin(), names.end(), name);
        if (found == names.end()) return std::nullopt;
        return static_cast<NotifyTarget::Kind>(found - names.begin());
    }

    std::vector<std::string> ids_of_targets(NotifyTarget::Kind kind) const {
        if (kind == NotifyTarget::Kind::person) return ids_of(routing_.agents);
        if (kind == NotifyTarget::Kind::team) return ids_of(routing_.teams);
        if (kind == NotifyTarget::Kind::channel) return ids_of(routing_.channels);
        return ids_of(routing_.on_call);
    }

    /// People whom nothing reaches are no use to an escalation, and nobody would notice before it matters.
    void check_can_be_told(const NotifyTarget& target, const engine::Place& place) {
        std::vector<std::string> people;
        if (target.kind == NotifyTarget::Kind::person) people = {target.id};
        for (const auto& team : routing_.teams)
            if (target.kind == NotifyTarget::Kind::team && team.id == target.id && team.notify.empty())
                people = team.members;
        for (const auto& schedule : routing_.on_call)
            if (target.kind == NotifyTarget::Kind::on_call && schedule.id == target.id)
                people = people_of(schedule);
        for (const auto& agent : routing_.agents)
            if (has(people, agent.id) && agent.notify.empty())
                problems_.error("missing-key", place,
                                in_quotes(agent.id) +
                                    " is to be told and has no notify: write the actions "
                                    "that reach them, at agents");
    }

    void read_repeat(const YamlNode& node, Escalation& escalation) {
        const auto* repeat = node.find("repeat");
        if (repeat == nullptr || !expect_map(*repeat, "repeat", problems_)) return;
        check_keys(*repeat, escalation_repeat_keys(), "repeat", problems_);
        const auto [times, after] =
            need_both(*repeat, "times", "after", "repeat", "{ times: 2, after: 15m }", problems_);
        if (times == nullptr) return;
        escalation.repeat = read_integer(*times, "times", 1, repeat_most, problems_).value_or(0);
        escalation.repeat_after = read_span(*after, "after", false).value_or(engine::Duration{});
    }

    Occasion read_occasion(const YamlNode& node, const Escalation& escalation) {
        Occasion occasion;
        if (const auto* on = node.find("on")) {
            std::vector<AwaitedType> awaited;
            if (auto types = read_event_types(*on, "on", awaited, problems_)) occasion.on = *std::move(types);
        }
        if (const auto* when = node.find("when"); has_content(when)) {
            auto context = context_of(escalation.kind, "an escalation");
            occasion.when = read_condition(*when, context);
        }
        return occasion;
    }

    void read_acknowledged(const YamlNode& node, Escalation& escalation) {
        const auto* acknowledged = node.find("acknowledged");
        if (acknowledged == nullptr || !expect_map(*acknowledged, "acknowledged", problems_)) return;
        check_keys(*acknowledged, acknowledged_keys(), "acknowledged", problems_);
        if (const auto* lasting = acknowledged->find("for"))
            escalation.acknowledged_for = read_span(*lasting, "for", false);
        if (acknowledged->find("on") == nullptr && acknowledged->find("when") == nullptr) return;
        escalation.acknowledged = read_occasion(*acknowledged, escalation);
    }

    /// Without a word of it, when the entity is solved or closed, where its kind knows these.
    void read_ends(const YamlNode& node, Escalation& escalation) {
        if (const auto* ends = node.find("ends"); ends != nullptr) {
            if (!expect_map(*ends, "ends", problems_)) return;
            check_keys(*ends, ends_keys(), "ends", problems_);
            if (ends->find("on") == nullptr && ends->find("when") == nullptr)
                problems_.error("missing-key", ends->place,
                                "say what ends it: on with event types, when with conditions, or both");
            escalation.ends = read_occasion(*ends, escalation);
            return;
        }
        escalation.ends.when = is_done(escalation.kind, node.place);
        if (!escalation.ends.when)
            problems_.error("missing-key", node.place,
                            "the escalation has no ends: a " + escalation.kind +
                                " has no status solved or closed that would end it");
    }

    RuleSet& rule_set_;
    Routing& routing_;
    Problems& problems_;
    std::map<std::string, engine::Place> ids_;  ///< of the section that is read
    /// A queue that names another one, by that key.
    struct Other {
        std::string from, to, key;
        engine::Place place;
    };
    std::vector<Other> others_;
};

}  // namespace

void read_routing(const YamlNode& root, RuleSet& rule_set, Problems& problems) {
    if (root.is_null() || !expect_map(root, "routing.yaml", problems)) return;
    check_keys(root, routing_keys(), "routing.yaml", problems);
    auto routing = std::make_shared<Routing>();
    RoutingReader(rule_set, *routing, problems).read(root);
    rule_set.routing = std::move(routing);
}

std::vector<std::string> routing_keys() {
    return {"agents", "teams", "channels", "queues", "open_work", "on_call", "escalations"};
}

std::vector<std::string> agent_keys() {
    return {"id", "name", "skills", "capacity", "hours", "notify"};
}

std::vector<std::string> team_keys() {
    return {"id", "name", "description", "members", "group", "hours", "notify"};
}

std::vector<std::string> queue_keys() {
    return {"id",     "description", "kind",  "when",         "teams",   "strategy",
            "skills", "priority",    "hours", "out_of_hours", "overflow"};
}

std::vector<std::string> overflow_keys() {
    return {"after", "to", "clock"};
}

std::vector<std::string> channel_keys() {
    return {"id", "name", "description", "notify"};
}

std::vector<std::string> escalation_keys() {
    return {"id", "description", "kind", "hours", "levels", "repeat", "acknowledged", "ends"};
}

std::vector<std::string> escalation_level_keys() {
    return {"after", "when", "notify"};
}

std::vector<std::string> escalation_repeat_keys() {
    return {"times", "after"};
}

std::vector<std::string> acknowledged_keys() {
    return {"on", "when", "for"};
}

std::vector<std::string> ends_keys() {
    return {"on", "when"};
}

std::vector<std::string> notify_target_keys() {
    return {"person", "team", "on_call", "channel"};
}

}  // namespace rules
