#pragma once
/// A second, deliberately simple decider, straight from the rules' JSON: what the evaluator is held against.
/// It copies the whole state where the evaluator takes steps back, and finds the standing changes by making
/// all writes anew.

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/reference_conditions.h"

namespace reference {

/// What a rule wanted of a field (tag empty) or of one tag of it.
struct Wish {
    int write = 0;  ///< number of the write it belongs to
    std::string rule, field, tag;
    Json value;               ///< of a tag: "add" or "remove"
    bool whole_list = false;  ///< a tag's wish that follows from setting the list
    bool dead = false;
};

struct Write {
    int number = 0;
    std::string rule, field;
    Json from, to;
    Json given;  ///< of a set: the value
    bool is_set = false;
};

struct State {
    Json ticket;  ///< what came of all writes
    Json seen;    ///< what rules see
    std::vector<Wish> wishes;
    std::vector<Write> writes;
    std::vector<Json> conflicts;
    std::vector<std::string> actions;
    int numbers = 0;
};

struct Outcome {
    std::string outcome = "ok";
    std::vector<std::string> fired, failed, changes, conflicts, actions, cycle;
    Json ticket;
};

struct Options {
    std::string chaining, on_conflict, on_error;
    int passes_max = 16;
    std::set<std::string> first_match;
};

class Decider {
public:
    Decider(const Json& rules, Options options, std::string type, const Json& ticket,
            std::vector<Change> merged)
        : rules_(rules), options_(std::move(options)), type_(std::move(type)), merged_(std::move(merged)) {
        state_.ticket = state_.seen = start_ = ticket;
    }

    Outcome decide() {
        if (options_.chaining == "cascade") cascade();
        if (options_.chaining == "restart") restart();
        if (options_.chaining == "snapshot") snapshot();
        if (options_.chaining == "none") one_pass(type_, merged_, false);
        return outcome();
    }

private:
    // ---- chaining ----

    void cascade() {
        auto type = type_;
        auto changes = merged_;
        for (int pass = 1; result_.outcome == "ok"; ++pass) {
            if (pass > options_.passes_max) return loop();
            const auto before = state_.writes.size();
            one_pass(type, changes, false);
            if (stopped_ || state_.writes.size() == before) return;
            changes.clear();
            for (auto i = before; i < state_.writes.size(); ++i)
                changes.push_back(change_of(state_.writes[i]));
            type = "ticket.updated";
        }
    }

    void restart() {
        for (int pass = 1;; ++pass) {
            if (pass > options_.passes_max) return loop();
            auto changes = merged_;
            for (const auto& write : state_.writes) changes.push_back(change_of(write));
            const auto before = state_.writes.size();
            one_pass(type_, changes, true);
            if (stopped_ || result_.outcome != "ok" || state_.writes.size() == before) return;
        }
    }

    void one_pass(const std::string& type, const std::vector<Change>& changes, bool until_change) {
        passes_.emplace_back();
        std::set<std::string> taken;
        for (const auto& rule : rules_) {
            const auto before = state_.writes.size();
            if (stopped_ || result_.outcome != "ok") return;
            if (!has_turn(rule, taken) || !matches(rule, type, changes)) continue;
            take(rule, taken);
            run(rule, type, changes);
            if (until_change && state_.writes.size() != before) return;
        }
    }

    void snapshot() {
        passes_.emplace_back();
        std::set<std::string> taken;
        std::vector<Json> matched;
        for (const auto& rule : rules_) {
            if (!has_turn(rule, taken) || !matches(rule, type_, merged_)) continue;
            take(rule, taken);
            matched.push_back(rule);
            if (rule.value("stop", false)) break;
        }
        for (const auto& rule : matched)
            if (result_.outcome == "ok") run(rule, type_, merged_);
    }

    bool has_turn(const Json& rule, const std::set<std::string>& taken) const {
        const bool again = rule.value("repeat", false) && options_.chaining == "cascade";
        if (tried_.count(rule["id"].get<std::string>()) && !again) return false;
        return !rule.contains("group") || !taken.count(rule["group"].get<std::string>());
    }

    void take(const Json& rule, std::set<std::string>& taken) const {
        if (!rule.contains("group")) return;
        const auto group = rule["group"].get<std::string>();
        if (options_.first_match.count(group)) taken.insert(group);
    }

    bool matches(const Json& rule, const std::string& type, const std::vector<Change>& changes) const {
        const auto on = rule["on"].get<std::string>();
        const bool fits = on == type || on == "ticket.*";
        return fits && truth(rule.value("when", Json::object()), world(type, changes));
    }

    World world(const std::string& type, const std::vector<Change>& changes) const {
        return {{{"ticket", state_.seen}, {"event", {{"type", type}}}}, changes, "2026-05-04T12:00:00Z"};
    }

    void loop() {
        result_.outcome = "loop";
        for (auto pass = passes_.size() - std::min<std::size_t>(2, passes_.size()); pass < passes_.size();
             ++pass)
            for (const auto& id : passes_[pass]) result_.cycle.push_back(id);
    }

    // ---- one rule ----

    enum class End { next, stop, failed, conflict };

    void run(const Json& rule, const std::string& type, const std::vector<Change>& changes) {
        const auto id = rule["id"].get<std::string>();
        const auto before = state_;
        const auto end = steps(rule["then"], id, type, changes);
        tried_.insert(id);
        if (end == End::conflict) {
            result_.outcome = "error";
            fatal_ = state_.conflicts.back();
        } else if (end == End::failed) {
            state_ = before;
            result_.failed.push_back(id);
            if (options_.on_error != "rule") result_.outcome = "error";
        } else {
            result_.fired.push_back(id);
            passes_.back().push_back(id);
            stopped_ = stopped_ || rule.value("stop", false);
        }
        if (options_.chaining == "none") state_.seen = start_;
    }

    End steps(const Json& list, const std::string& rule, const std::string& type,
              const std::vector<Change>& changes) {
        for (const auto& step : list) {
            const auto end = one_step(step, rule, type, changes);
            if (end != End::next) return end;
        }
        return End::next;
    }

    End one_step(const Json& step, const std::string& rule, const std::string& type,
                 const std::vector<Change>& changes) {
        if (step.contains("stop")) return End::stop;
        if (step.contains("if")) {
            const auto branch = truth(step["if"], world(type, changes)) ? "then" : "else";
            return steps(step.value(branch, Json::array()), rule, type, changes);
        }
        if (step.contains("slack.post")) {
            state_.actions.push_back(rule + ":" + render(step["slack.post"]["text"]).dump());
            return End::next;
        }
        if (step.contains("unset")) return set(rule, step["unset"].get<std::string>(), Json());
        if (step.contains("add_tags")) return tags(rule, step["add_tags"], true);
        if (step.contains("remove_tags")) return tags(rule, step["remove_tags"], false);
        std::map<std::string, Json> values;
        for (const auto& [field, value] : step["set"].items()) values[field] = render(value);
        for (const auto& [field, value] : values) {
            const auto end = set(rule, field, value);
            if (end != End::next) return end;
        }
        return End::next;
    }

    /// `{{ path }}` alone, or anything else as it is.
    Json render(const Json& value) const {
        const auto text = value.is_string() ? value.get<std::string>() : "";
        if (text.rfind("{{ ", 0) != 0) return value;
        return value_at({{"ticket", state_.seen}}, text.substr(3, text.size() - 6)).value_or(Json());
    }

    // ---- writing ----

    static bool fits(const std::string& field, const Json& value) {
        if (value.is_null()) return true;
        if (field == "ticket.priority")
            return value == "low" || value == "normal" || value == "high" || value == "urgent";
        if (field == "ticket.tags") return value.is_array();
        return true;
    }

    End set(const std::string& rule, const std::string& field, Json value) {
        if (!fits(field, value)) return End::failed;
        if (field == "ticket.tags" && value.is_array()) value = unique(value);
        const int number = ++state_.numbers;
        std::vector<Wish> wishes{{number, rule, field, "", value, false, false}};
        if (field == "ticket.tags") {
            for (const auto& tag : listed(value))
                wishes.push_back({number, rule, field, tag.get<std::string>(), "add", true, false});
            for (const auto& tag : listed(at(state_.ticket, field)))
                if (!contains(listed(value), tag))
                    wishes.push_back({number, rule, field, tag.get<std::string>(), "remove", true, false});
        }
        const auto verdict = wish(wishes);
        if (verdict == "fail") return End::conflict;
        if (verdict == "refused") return End::next;
        record(number, rule, field, value, true, value);
        show(field, value);
        return End::next;
    }

    End tags(const std::string& rule, const Json& list, bool add) {
        const std::string field = "ticket.tags";
        const int number = ++state_.numbers;
        Json done = Json::array();
        for (const auto& tag : list) {
            const auto verdict =
                wish({{number, rule, field, tag.get<std::string>(), add ? "add" : "remove", false, false}});
            if (verdict == "fail") return End::conflict;
            if (verdict == "ok") done.push_back(tag);
        }
        record(number, rule, field, changed(at(state_.ticket, field), done, add), false, Json());
        show(field, changed(at(state_.seen, field), done, add));
        return End::next;
    }

    void record(int number, const std::string& rule, const std::string& field, const Json& to, bool is_set,
                const Json& given) {
        const auto from = at(state_.ticket, field);
        if (same(field, from, to)) return;
        state_.writes.push_back({number, rule, field, from, to, given, is_set});
        put(state_.ticket, field, to);
    }

    void show(const std::string& field, const Json& value) {
        if (options_.chaining != "none")
            state_.seen = state_.ticket;
        else if (!same(field, at(state_.seen, field), value))
            put(state_.seen, field, value);
    }

    /// Lays down the wishes; "refused" or "fail" when another rule's stand against them.
    std::string wish(const std::vector<Wish>& wishes) {
        std::string verdict = "ok";
        for (const auto& mine : wishes) {
            std::vector<std::string> heard{mine.rule};
            std::vector<Wish> against;
            for (auto other = state_.wishes.rbegin(); other != state_.wishes.rend(); ++other) {
                const bool on_same = other->field == mine.field && other->tag == mine.tag;
                if (other->dead || !on_same || std::count(heard.begin(), heard.end(), other->rule)) continue;
                heard.push_back(other->rule);
                const bool both_lists = mine.whole_list && other->whole_list;
                if (!both_lists && !same(mine.field, other->value, mine.value))
                    against.insert(against.begin(), *other);
            }
            for (const auto& other : against) {
                const auto kept = options_.on_conflict == "last"    ? mine.rule
                                  : options_.on_conflict == "first" ? other.rule
                                                                    : "none";
                const Json conflict = {mine.field, mine.tag,   other.rule, other.value,
                                       mine.rule,  mine.value, kept};
                if (!std::count(state_.conflicts.begin(), state_.conflicts.end(), conflict))
                    state_.conflicts.push_back(conflict);
                if (options_.on_conflict == "fail") return "fail";
                if (options_.on_conflict == "first") verdict = "refused";
                if (options_.on_conflict == "last") kill(other);
            }
        }
        if (verdict == "ok") state_.wishes.insert(state_.wishes.end(), wishes.begin(), wishes.end());
        return verdict;
    }

    void kill(const Wish& loser) {
        for (auto& one : state_.wishes) {
            const bool same_thing =
                one.rule == loser.rule && one.field == loser.field && one.tag == loser.tag;
            if (!same_thing || one.dead) continue;
            one.dead = true;
            if (one.tag.empty())
                for (auto& part : state_.wishes)
                    if (part.write == one.write) part.dead = true;
        }
    }

    // ---- the result ----

    Outcome outcome() {
        if (result_.outcome != "ok") {
            state_ = State();
            state_.ticket = start_;
            if (fatal_) state_.conflicts = {*fatal_};
            result_.fired.clear();
            if (result_.outcome == "loop") result_.failed.clear();
        }
        result_.actions = state_.actions;
        for (const auto& conflict : state_.conflicts) result_.conflicts.push_back(conflict.dump());
        make_anew();
        return result_;
    }

    /// Makes the writes once more from the start, without what is dead.
    void make_anew() {
        Json ticket = start_;
        for (const auto& write : state_.writes) {
            const auto before = at(ticket, write.field);
            auto after = before;
            for (const auto& wish : state_.wishes) {
                if (wish.write != write.number) continue;
                if (wish.tag.empty() && !wish.dead) after = write.given;
                if (wish.tag.empty()) continue;
                const bool list_stands = write.is_set && !whole_is_dead(write.number);
                if (!write.is_set && !wish.dead)
                    after = changed(after, Json::array({wish.tag}), wish.value == "add");
                if (list_stands && wish.dead)
                    after = changed(after, Json::array({wish.tag}), contains(listed(before), wish.tag));
            }
            if (write.is_set && write.given.is_null() && after.empty()) after = Json();
            if (same(write.field, before, after)) continue;
            result_.changes.push_back(write.rule + " " + write.field + " " +
                                      ordered(write.field, before).dump() + " " +
                                      ordered(write.field, after).dump());
            put(ticket, write.field, after);
        }
        result_.ticket = ticket;
    }

    bool whole_is_dead(int write) const {
        for (const auto& wish : state_.wishes)
            if (wish.write == write && wish.tag.empty()) return wish.dead;
        return true;
    }

public:
    // ---- values ----

    static Json at(const Json& ticket, const std::string& field) {
        return value_at({{"ticket", ticket}}, field).value_or(Json());
    }

    static void put(Json& ticket, const std::string& field, const Json& value) {
        const auto path = engine::path_of(field.substr(7));
        if (value.is_null())
            engine::remove(ticket, path);
        else
            engine::put(ticket, path, value);
    }

    static Json listed(const Json& tags) { return tags.is_array() ? tags : Json::array(); }
    static bool contains(const Json& list, const Json& item) {
        return std::count(list.begin(), list.end(), item) > 0;
    }

    static Json unique(const Json& tags) {
        Json result = Json::array();
        for (const auto& tag : tags)
            if (!contains(result, tag)) result.push_back(tag);
        return result;
    }

    static Json changed(const Json& tags, const Json& by, bool add) {
        Json result = Json::array();
        for (const auto& tag : listed(tags))
            if (add || !contains(by, tag)) result.push_back(tag);
        for (const auto& tag : by)
            if (add && !contains(result, tag)) result.push_back(tag);
        return result;
    }

    static bool same(const std::string& field, const Json& left, const Json& right) {
        if (field != "ticket.tags" || left.is_string()) return left == right;
        return set_of(listed(left)) == set_of(listed(right));
    }

    /// Tags have no order that matters.
    static Json ordered(const std::string& field, Json value) {
        if (field == "ticket.tags" && value.is_array()) std::sort(value.begin(), value.end());
        return value;
    }

private:
    static Change change_of(const Write& write) {
        return {write.field, write.from, write.to, write.rule, ""};
    }

    const Json& rules_;
    Options options_;
    std::string type_;
    std::vector<Change> merged_;
    Json start_;
    State state_;
    Outcome result_;
    std::set<std::string> tried_;
    std::vector<std::vector<std::string>> passes_;
    std::optional<Json> fatal_;
    bool stopped_ = false;
};

}  // namespace reference
