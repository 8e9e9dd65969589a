#include "engine/pipeline/rule_tests.h"

#include <algorithm>
#include <array>
#include <optional>

#include "engine/base/diagnostic.h"
#include "engine/base/yaml.h"
#include "engine/model/failure_text.h"

namespace engine {
namespace {

constexpr auto bad_test = "bad-test";
const YamlLimits test_limits{1024 * 1024, 64, 200'000};

struct Case {
    std::string name;
    Place place;
    Json entity = Json::object();
    std::vector<Json> events;
    std::vector<Place> event_places;
    std::optional<Instant> at;
    Duration advance{};  ///< after the last event
    GivenAnswers answers;
    Json expect = Json::object();
};

/// Reads the cases of one file; what it cannot read it reports and leaves out.
class CaseReader {
public:
    CaseReader(std::string file, Diagnostics& diagnostics)
        : file_(std::move(file)), diagnostics_(diagnostics) {}

    std::vector<Case> read(const std::string& text) {
        std::vector<Case> cases;
        const auto root = parse_yaml(text, file_, diagnostics_, test_limits);
        const auto* list = root.find("cases");
        if (list == nullptr || !list->is_list()) {
            complain(root.place, "a test file needs a list \"cases\"");
            return cases;
        }
        for (const auto& item : list->items)
            if (auto read = read_case(item)) cases.push_back(std::move(*read));
        return cases;
    }

private:
    void complain(const Place& place, const std::string& message) {
        diagnostics_.error(bad_test, place, message);
    }

    bool known_keys(const YamlNode& node, const std::vector<std::string>& known) {
        bool fine = true;
        for (const auto& entry : node.entries) {
            if (std::find(known.begin(), known.end(), entry.key) != known.end()) continue;
            complain(entry.place, "unknown key \"" + entry.key + "\"" + hint(entry.key, known));
            fine = false;
        }
        return fine;
    }

    std::optional<Case> read_case(const YamlNode& node) {
        static const std::vector<std::string> keys{"name", "entity",  "events", "lookups",
                                                   "at",   "advance", "expect"};
        static const std::vector<std::string> expectations{
            "fired",    "changes", "actions", "outcome", "partial", "conflicts",   "emitted", "merged",
            "failures", "timers",  "skipped", "sla",     "scores",  "escalations", "routed"};
        const auto* name = node.find("name");
        const auto* events = node.find("events");
        const auto* expect = node.find("expect");
        if (!node.is_map() || name == nullptr || events == nullptr || expect == nullptr ||
            !expect->is_map()) {
            complain(node.place, "a case needs name, events and expect");
            return std::nullopt;
        }
        if (!known_keys(node, keys) || !known_keys(*expect, expectations)) return std::nullopt;
        Case read;
        read.name = name->text;
        read.place = node.place;
        read.expect = to_json(*expect);
        if (const auto* entity = node.find("entity")) read.entity = to_json(*entity);
        if (const auto* lookups = node.find("lookups")) {
            auto answers = GivenAnswers::read(to_json(*lookups));
            if (!answers) {
                complain(lookups->place, "lookups: " + answers.error().message);
                return std::nullopt;
            }
            read.answers = *std::move(answers);
        }
        if (!read_time(node, read) || !read_events(*events, read)) return std::nullopt;
        return read;
    }

    bool read_time(const YamlNode& node, Case& read) {
        if (const auto* advance = node.find("advance")) {
            const auto span = parse_duration(advance->text);
            if (!span) {
                complain(advance->place, "advance: " + span.error().message);
                return false;
            }
            read.advance = *span;
        }
        const auto* at = node.find("at");
        if (at == nullptr) return true;
        const auto instant = parse_instant(at->text);
        if (!instant) {
            complain(at->place, instant.error().message);
            return false;
        }
        read.at = *instant;
        return true;
    }

    bool read_events(const YamlNode& list, Case& read) {
        if (!list.is_list() || list.items.empty()) {
            complain(list.place, "events is a list of at least one event");
            return false;
        }
        for (const auto& item : list.items) {
            auto json = to_json(item);
            if (!json.is_object()) {
                complain(item.place, "an event is a map");
                return false;
            }
            const auto number = std::to_string(read.events.size() + 1);
            // A case says what matters to it; the rest of the envelope is filled in.
            json.emplace("specversion", "1.0");
            json.emplace("id", "event-" + number);
            json.emplace("source", "test");
            read.events.push_back(std::move(json));
            read.event_places.push_back(item.place);
        }
        return true;
    }

    std::string file_;
    Diagnostics& diagnostics_;
};

/// Everything that the events of a case led to, one after another.
struct Outcomes {
    std::vector<Json> lines;

    Json all(const char* name) const {
        Json list = Json::array();
        for (const auto& line : lines)
            if (const auto found = line.find(name); found != line.end())
                for (const auto& item : *found) list.push_back(item);
        return list;
    }
    /// Of a case: that of its first decision that is not `ok`, else `ok`.
    std::string outcome() const {
        for (const auto& line : lines)
            if (line["outcome"] != "ok") return line["outcome"].get<std::string>();
        return lines.empty() ? "none" : "ok";
    }
};

/// Maps compare by the keys that are expected; everything else exactly.
bool fits(const Json& expected, const Json& actual) {
    if (!expected.is_object() || !actual.is_object()) return expected == actual;
    return std::all_of(expected.items().begin(), expected.items().end(), [&](const auto& entry) {
        const auto found = actual.find(entry.key());
        if (found == actual.end()) return entry.value().is_null();
        return entry.key() == "params" ? entry.value() == *found : fits(entry.value(), *found);
    });
}

bool holds_in_order(const Json& expected, const Json& actual) {
    auto at = actual.begin();
    for (const auto& item : expected) {
        at = std::find_if(at, actual.end(), [&](const Json& candidate) { return fits(item, candidate); });
        if (at == actual.end()) return false;
        ++at;
    }
    return true;
}

bool is_same(const Json& expected, const Json& actual) {
    return expected.size() == actual.size() &&
           std::equal(expected.begin(), expected.end(), actual.begin(), fits);
}

bool is_among(const Json& expected, const Json& actual) {
    return std::any_of(actual.begin(), actual.end(), [&](const Json& one) { return fits(expected, one); });
}

/// Whether both speak of the same thing: a text, or maps that agree in one key at least.
bool is_related(const Json& one, const Json& other) {
    if (!one.is_object() || !other.is_object()) return true;
    return std::any_of(one.items().begin(), one.items().end(), [&](const auto& entry) {
        const auto found = other.find(entry.key());
        return found != other.end() && *found == entry.value();
    });
}

/// What was expected and is not there after `-`, what came instead after `+`, the rest without a sign.
void show_difference(const char* name, const Json& wanted, const Json& actual, bool partial,
                     CaseResult& result) {
    auto& lines = result.differences;
    Json missing = Json::array();
    for (const auto& item : wanted)
        if (!is_among(item, actual)) missing.push_back(item);
    const auto is_wished = [&](const Json& item) {
        return std::any_of(wanted.begin(), wanted.end(), [&](const Json& one) { return fits(one, item); });
    };
    const bool nothing_else = std::all_of(actual.begin(), actual.end(), is_wished);
    // Of a partial case what else happened does not matter, unless it may be what was meant.
    const auto is_shown = [&](const Json& item) {
        return !partial || std::any_of(missing.begin(), missing.end(),
                                       [&](const Json& one) { return is_related(one, item); });
    };
    if (missing.empty() && (partial || nothing_else)) {
        lines.push_back(std::string(name) + ": in another order, or not as often:");
        for (const auto& item : wanted) lines.push_back("    - " + canonical_json(item));
        for (const auto& item : actual)
            if (is_wished(item)) lines.push_back("    + " + canonical_json(item));
        return;
    }
    lines.push_back(std::string(name) + ":");
    for (const auto& item : wanted)
        lines.push_back((is_among(item, actual) ? "      " : "    - ") + canonical_json(item));
    for (const auto& item : actual)
        if (!is_wished(item) && is_shown(item)) lines.push_back("    + " + canonical_json(item));
    if (actual.empty()) lines.push_back("    + (nothing)");
}

void compare_list(const char* name, const Json& expected, const Json& actual, bool partial,
                  CaseResult& result) {
    const Json wanted = expected.is_null() ? Json::array() : expected;
    if (!wanted.is_array()) {
        result.differences.push_back(std::string(name) + ": expect a list");
        return;
    }
    if (partial ? holds_in_order(wanted, actual) : is_same(wanted, actual)) return;
    show_difference(name, wanted, actual, partial, result);
}

/// A case that says nothing of failures does not expect any: a rule that broke did not "not fire".
void expect_no_failure(const Json& expect, const Outcomes& outcomes, CaseResult& result) {
    if (expect.contains("failures") || text_or(expect, "outcome", "ok") != "ok") return;
    const auto failures = outcomes.all("failures");
    if (failures.empty()) return;
    result.differences.emplace_back("failures, which the case does not list:");
    for (const auto& failure : failures) result.differences.push_back("    + " + failure_text(failure));
}

void compare(const Case& test, const Outcomes& outcomes, CaseResult& result) {
    const auto partial_flag = test.expect.find("partial");
    const bool partial = partial_flag != test.expect.end() && *partial_flag == Json(true);
    static constexpr std::array lists{"fired",  "changes",     "actions", "conflicts", "emitted",
                                      "merged", "failures",    "timers",  "skipped",   "sla",
                                      "scores", "escalations", "routed"};
    for (const char* name : lists)
        if (const auto expected = test.expect.find(name); expected != test.expect.end())
            compare_list(name, *expected, outcomes.all(name), partial, result);
    const auto outcome = test.expect.find("outcome");
    const auto actual = outcomes.outcome();
    if (outcome != test.expect.end() ? *outcome != Json(actual) : actual != "ok")
        result.differences.push_back("outcome: expected " +
                                     (outcome != test.expect.end() ? canonical_json(*outcome) : "\"ok\"") +
                                     ", got \"" + actual + "\"");
    expect_no_failure(test.expect, outcomes, result);
    result.passed = result.differences.empty();
}

Result<CaseResult> run(const Case& test, const std::shared_ptr<const Tenant>& tenant,
                       const ScratchStore& scratch, Diagnostics& diagnostics) {
    CaseResult result;
    result.file = test.place.file;
    result.line = test.place.line;
    result.name = test.name;
    if (auto known = test.answers.check(*tenant); !known) {
        diagnostics.error(bad_test, test.place, "lookups: " + known.error().message);
        result.differences.push_back("lookups: " + known.error().message);
        return result;
    }
    std::vector<Event> events;
    for (std::size_t i = 0; i < test.events.size(); ++i) {
        auto event = event_from_envelope(tenant->name, test.events[i]);
        if (!event) {
            diagnostics.error(bad_test, test.event_places[i], event.error().message);
            result.differences.push_back(event.error().message);
            return result;
        }
        event->connection = std::string(event->subject.connection());
        events.push_back(std::move(*event));
    }
    const auto decisions = rehearse(
        tenant,
        {test.entity, std::move(events), test.at, test.advance, std::make_shared<GivenAnswers>(test.answers)},
        scratch);
    if (!decisions) return decisions.error();
    Outcomes outcomes;
    for (const auto& decision : *decisions) outcomes.lines.push_back(to_json(decision));
    compare(test, outcomes, result);
    return result;
}

}  // namespace

Result<std::vector<CaseResult>> run_rule_tests(const std::shared_ptr<const Tenant>& tenant,
                                               const ScratchStore& scratch, Diagnostics& diagnostics) {
    std::vector<CaseResult> results;
    for (const auto& [path, text] : tenant->files) {
        if (!path.starts_with("tests/")) continue;
        for (const auto& test : CaseReader(path, diagnostics).read(text)) {
            auto result = run(test, tenant, scratch, diagnostics);
            if (!result) return result.error();
            results.push_back(std::move(*result));
        }
    }
    return results;
}

}  // namespace engine
