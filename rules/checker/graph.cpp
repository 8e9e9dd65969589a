#include "rules/checker/graph.h"

#include <set>

#include "rules/checker/rule_facts.h"
#include "rules/checker/triggers.h"

namespace rules {
namespace {

/// A text between quotes, as Graphviz reads it.
std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + "\"";
}

class GraphWriter {
public:
    GraphWriter(const Facts& facts, Triggers triggers) : facts_(facts), triggers_(std::move(triggers)) {
        for (const auto& cycle : cycles_in(triggers_.all, facts.rules().size()))
            in_round_.insert(cycle.begin(), cycle.end());
    }

    std::string text() {
        out_ =
            "digraph rules {\n  rankdir=LR;\n  node [fontname=\"sans-serif\", fontsize=10];\n"
            "  edge [fontname=\"sans-serif\", fontsize=9];\n";
        if (!triggers_.complete)
            out_ += "  label=\"not complete: too many rules for the limits of one check\";\n";
        add_events();
        for (const auto& rule : facts_.rules()) add_rule(rule);
        for (std::size_t i = 0; i < triggers_.all.size(); ++i) add_trigger(i);
        return out_ + "}\n";
    }

private:
    static std::string node_of(const RuleFacts& rule) { return quoted("rule " + rule.rule->id); }
    static std::string node_of(const std::string& event_type) { return quoted("event " + event_type); }

    void add_events() {
        std::set<std::string> types;
        for (const auto& rule : facts_.rules()) {
            types.insert(rule.rule->on.begin(), rule.rule->on.end());
            for (const auto& emit : rule.emits)
                if (!emit.type.empty()) types.insert(emit.type);
        }
        for (const auto& type : types)
            out_ += "  " + node_of(type) + " [label=" + quoted(type) + ", shape=ellipse, style=dashed];\n";
    }

    void add_rule(const RuleFacts& rule) {
        out_ += "  " + node_of(rule) + " [label=" + quoted(rule.rule->id) +
                ", shape=box, tooltip=" + quoted(rule.rule->description) +
                (rule.rule->stop ? ", peripheries=2" : "") + "];\n";
        for (const auto& type : rule.rule->on)
            out_ += "  " + node_of(type) + " -> " + node_of(rule) + " [style=dashed];\n";
        for (const auto& emit : rule.emits)
            if (!emit.type.empty())
                out_ += "  " + node_of(rule) + " -> " + node_of(emit.type) + " [label=\"emits\"];\n";
    }

    void add_trigger(std::size_t index) {
        const auto& trigger = triggers_.all[index];
        const bool is_drawn_by_event = trigger.by_event && !in_round_.contains(index);
        if (is_drawn_by_event) return;  // by way of the event's own node
        out_ += "  " + node_of(facts_.rules()[trigger.from]) + " -> " + node_of(facts_.rules()[trigger.to]) +
                " [label=" + quoted(trigger.how) + (in_round_.contains(index) ? ", color=red" : "") + "];\n";
    }

    const Facts& facts_;
    Triggers triggers_;
    std::set<std::size_t> in_round_;
    std::string out_;
};

}  // namespace

std::string trigger_graph(const RuleSet& rule_set, const CheckLimits& limits) {
    const Facts facts(rule_set, limits.terms_max);
    return GraphWriter(facts, triggers_of(facts, limits)).text();
}

}  // namespace rules
