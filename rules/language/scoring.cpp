#include "rules/language/scoring.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "engine/base/text.h"
#include "engine/base/time.h"
#include "rules/evaluator/comparison.h"
#include "rules/language/conditions.h"
#include "rules/language/context.h"
#include "rules/language/reading.h"
#include "rules/policies/scoring.h"

namespace rules {
namespace {

using engine::in_quotes;
using engine::YamlNode;
using Ids = std::map<std::string, engine::Place>;

constexpr Points points_most = 1'000'000 * Points{100};
constexpr int remembered_most = 1'000;
constexpr std::size_t score_id_bytes_max = 100;
constexpr engine::Duration lasting_max = std::chrono::days(36'525);

bool is_of_the_clock(const Comparison& comparison) {
    return comparison.op == Operator::older_than || comparison.op == Operator::newer_than ||
           comparison.op == Operator::within_hours || comparison.field.root == "now" ||
           comparison.field.root == "sla" || comparison.field.root == "escalations";
}

/// The first condition that is true for a time only: on a change, on the event, or on the clock.
const Condition* momentary(const Condition& condition) {
    if (condition.kind == Condition::Kind::comparison) {
        const auto& root = condition.comparison.field.root;
        const bool is_momentary = looks_at_changes(condition.comparison.op) || root == "event" ||
                                  root == "message" || root == "changes" ||
                                  is_of_the_clock(condition.comparison);
        return is_momentary ? &condition : nullptr;
    }
    for (const auto& child : condition.children)
        if (const auto* found = momentary(child)) return found;
    return nullptr;
}

class ScoreReader {
public:
    ScoreReader(RuleSet& rule_set, Scores& scores, Problems& problems)
        : rule_set_(rule_set), scores_(scores), problems_(problems) {}

    void read(const YamlNode& node) {
        if (!expect_map(node, "a score", problems_)) return;
        check_keys(node, score_keys(), "a score", problems_);
        Score score;
        score.place = node.place;
        if (auto id = read_id(node, "the score", score_ids_)) score.id = *std::move(id);
        score.writer = writer_of(score.id);
        read_kind(node, score);
        read_fields(node, score);
        score.limits = read_limits(node);
        if (const auto* most = node.find("remembered_max"))
            if (const auto count = read_integer(*most, "remembered_max", 1, remembered_most, problems_))
                score.remembered_max = static_cast<std::size_t>(*count);
        Ids ids;
        if (const auto* points = node.find("points"); has_content(points))
            read_entries(*points, "", score, ids);
        if (const auto* groups = node.find("groups"); has_content(groups)) read_groups(*groups, score, ids);
        for (const auto& entry : score.entries)
            if (entry.at_most && static_cast<std::size_t>(entry.at_most->times) > score.remembered_max)
                problems_.error("bad-value", entry.place,
                                "at_most looks back on more events than remembered_max keeps");
        if (score.entries.empty())
            problems_.error("missing-key", node.place,
                            "the score has nothing that gives points: write points, or groups with points");
        if (const auto* bands = node.find("bands"); has_content(bands)) read_bands(*bands, score);
        scores_.push_back(std::move(score));
    }

    /// All are reckoned on one state: none can be made of another.
    void check_reads() {
        for (const auto& score : scores_)
            for (const auto& entry : score.entries)
                if (entry.on.empty() && entry.when) check_reads(*entry.when);
    }

private:
    void check_reads(const Condition& condition) {
        for (const auto& child : condition.children) check_reads(child);
        if (condition.kind != Condition::Kind::comparison) return;
        const auto& field = condition.comparison.field.text;
        if (fields_.contains(field))
            problems_.error(
                "bad-value", condition.place,
                in_quotes(field) + " is a score's own, and points without on: cannot depend on it");
    }

    std::optional<std::string> read_id(const YamlNode& node, const std::string& what, Ids& ids) {
        const auto* id = node.find("id");
        if (id == nullptr) {
            problems_.error("missing-key", node.place, what + " has no id");
            return std::nullopt;
        }
        auto text = read_text(*id, "id", problems_);
        if (!text) return std::nullopt;
        const bool is_plain = std::all_of(text->begin(), text->end(), [](char c) {
            return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F;
        });
        if (!is_plain || text->size() > score_id_bytes_max)
            problems_.error("bad-value", id->place,
                            "an id is one line of at most " + std::to_string(score_id_bytes_max) + " bytes");
        const auto [known, is_new] = ids.try_emplace(*text, id->place);
        if (!is_new)
            problems_.error(
                "duplicate-id", id->place,
                in_quotes(*text) + " is there already in line " + std::to_string(known->second.line));
        return text;
    }

    void read_kind(const YamlNode& node, Score& score) {
        const auto* kind = node.find("kind");
        const auto text = kind == nullptr ? std::nullopt : read_text(*kind, "kind", problems_);
        if (!text) return;
        if (rule_set_.catalogue.is_entity(*text))
            score.kind = *text;
        else
            problems_.error(
                "unknown-kind", kind->place,
                "unknown kind " + in_quotes(*text) + problems_.hint(*text, rule_set_.catalogue.kinds()));
    }

    RuleContext context_of(const Score& score) const {
        RuleContext context{rule_set_.catalogue, rule_set_.connections, rule_set_.calendars, problems_};
        context.subject_kinds = {score.kind};
        context.events = "events of a " + score.kind;
        return context;
    }

    void read_fields(const YamlNode& node, Score& score) {
        if (auto field = read_field(node, "field", score.kind + ".score", FieldType::number, score))
            score.field = *std::move(field);
        const auto* band = node.find("band_field");
        const bool is_there = rule_set_.catalogue.find(score.kind + ".band") != nullptr;
        if (band != nullptr || (is_there && has_content(node.find("bands"))))
            score.band_field = read_field(node, "band_field", score.kind + ".band", FieldType::text, score);
    }

    std::optional<FieldPath> read_field(const YamlNode& node, const std::string& key,
                                        const std::string& usual, FieldType type, const Score& score) {
        const auto* named = node.find(key);
        const auto text = named == nullptr ? usual : read_text(*named, key, problems_).value_or(usual);
        const auto& place = named == nullptr ? node.place : named->place;
        auto context = context_of(score);
        auto field = read_target(text, place, context);
        if (!field) return std::nullopt;
        if (field->type != type && field->type != FieldType::any)
            problems_.error("wrong-type", place,
                            in_quotes(text) + " holds " + article_of(field->type) + "; a score needs " +
                                article_of(type) + " as its " + key);
        if (!fields_.insert(text).second)
            problems_.error("bad-value", place, in_quotes(text) + " is written by two scores");
        return field;
    }

    // ---- points

    std::optional<Points> read_points(const YamlNode& node, const std::string& what) {
        return rules::read_points(node, what, problems_);
    }

    ScoreLimits read_limits(const YamlNode& node) {
        ScoreLimits limits;
        if (const auto* least = node.find("min")) limits.min = read_points(*least, "min");
        if (const auto* most = node.find("max")) limits.max = read_points(*most, "max");
        if (limits.min && limits.max && *limits.min > *limits.max)
            problems_.error("bad-value", node.find("min")->place, "min is more than max");
        return limits;
    }

    void read_groups(const YamlNode& node, Score& score, Ids& ids) {
        if (!expect_list(node, "groups", problems_)) return;
        Ids group_ids;
        for (const auto& item : node.items) {
            if (!expect_map(item, "a group", problems_)) continue;
            check_keys(item, score_group_keys(), "a group", problems_);
            const auto id = read_id(item, "the group", group_ids);
            if (!id) continue;
            score.groups[*id] = read_limits(item);
            const auto* points = item.find("points");
            if (has_content(points))
                read_entries(*points, *id, score, ids);
            else
                problems_.error("missing-key", item.place, "the group " + in_quotes(*id) + " has no points");
        }
    }

    void read_entries(const YamlNode& node, const std::string& group, Score& score, Ids& ids) {
        if (!expect_list(node, "points", problems_)) return;
        for (const auto& item : node.items) {
            if (!expect_map(item, "what gives points", problems_)) continue;
            check_keys(item, score_entry_keys(), "what gives points", problems_);
            ScoreEntry entry;
            entry.place = item.place;
            entry.group = group;
            if (auto id = read_id(item, "what gives points", ids)) entry.id = *std::move(id);
            const auto* add = item.find("add");
            if (add == nullptr)
                problems_.error("missing-key", item.place, "there is no add: say how many points it gives");
            else
                entry.add = read_points(*add, "add").value_or(1);
            if (add != nullptr && entry.add == 0)
                problems_.error("bad-value", add->place, "no points are nothing to give");
            read_when(item, score, entry);
            read_counting(item, entry);
            score.entries.push_back(std::move(entry));
        }
    }

    void read_when(const YamlNode& node, const Score& score, ScoreEntry& entry) {
        const auto* on = node.find("on");
        const auto* when = node.find("when");
        if (on != nullptr) {
            std::vector<AwaitedType> awaited;
            if (auto types = read_event_types(*on, "on", awaited, problems_)) entry.on = *std::move(types);
        }
        if (has_content(when)) {
            auto context = context_of(score);
            entry.when = read_condition(*when, context);
        }
        if (on != nullptr) return;
        if (!entry.when) {
            problems_.error("missing-key", node.place,
                            "it would always give its points: say when it does, or on which events");
            return;
        }
        if (const auto* found = momentary(*entry.when))
            problems_.error(
                "bad-value", found->place,
                "this holds for a time only, and nothing would say when it is over: write on: with the "
                "events that count");
    }

    /// What only events can have.
    void read_counting(const YamlNode& node, ScoreEntry& entry) {
        for (const char* key : {"at_most", "for", "decay"})
            if (const auto* found = node.find(key);
                found != nullptr && entry.on.empty() && node.find("on") == nullptr)
                problems_.error("bad-value", found->place,
                                std::string(key) + " is about events that count: name them under on");
        if (const auto* at_most = node.find("at_most")) read_frequency(*at_most, entry);
        if (const auto* lasting = node.find("for")) entry.lasting = read_lasting(*lasting, "for");
        if (const auto* decay = node.find("decay")) read_decay(*decay, entry);
    }

    void read_frequency(const YamlNode& node, ScoreEntry& entry) {
        if (!expect_map(node, "at_most", problems_)) return;
        check_keys(node, score_frequency_keys(), "at_most", problems_);
        const auto [times, within] =
            need_both(node, "times", "within", "at_most", "{ times: 3, within: 7d }", problems_);
        if (times == nullptr) return;
        const auto count = read_integer(*times, "times", 1, remembered_most, problems_);
        const auto span = read_lasting(*within, "within");
        if (count && span) entry.at_most = FrequencyLimit{*count, *span};
    }

    void read_decay(const YamlNode& node, ScoreEntry& entry) {
        if (!expect_map(node, "decay", problems_)) return;
        check_keys(node, score_decay_keys(), "decay", problems_);
        const auto [every, by] =
            need_both(node, "every", "by", "decay", "{ every: 30d, by: 50% }", problems_);
        if (every == nullptr) return;
        const auto span = read_lasting(*every, "every");
        const auto share = read_share(*by);
        if (span && share) entry.decay = Decay{*span, *share};
    }

    /// Hundredths of a percent.
    std::optional<int> read_share(const YamlNode& node) {
        const auto text = read_text(node, "by", problems_);
        if (!text) return std::nullopt;
        int percent = 0;
        const auto* last = text->data() + text->size();
        const auto [end, failed] = std::from_chars(text->data(), last, percent);
        const bool good =
            failed == std::errc() && end + 1 == last && *end == '%' && percent > 0 && percent <= 100;
        if (good) return percent * 100;
        problems_.error("bad-value", node.place,
                        in_quotes(*text) + " is no share: write whole percents, from 1% to 100%");
        return std::nullopt;
    }

    std::optional<engine::Duration> read_lasting(const YamlNode& node, const std::string& what) {
        const auto text = read_text(node, what, problems_);
        if (!text) return std::nullopt;
        const auto span = engine::parse_duration(*text);
        if (span && *span >= std::chrono::seconds(1) && *span <= lasting_max) return *span;
        problems_.error("bad-value", node.place,
                        in_quotes(*text) + " is no span of time: write one such as 12h, 7d or 90d");
        return std::nullopt;
    }

    // ---- bands

    void read_bands(const YamlNode& node, Score& score) {
        if (!expect_list(node, "bands", problems_)) return;
        Ids ids;
        for (const auto& item : node.items) {
            if (!expect_map(item, "a band", problems_)) continue;
            check_keys(item, score_band_keys(), "a band", problems_);
            ScoreBand band;
            band.place = item.place;
            if (auto id = read_id(item, "the band", ids)) band.id = *std::move(id);
            if (const auto* from = item.find("from")) band.from = read_points(*from, "from");
            band.enter = read_type(item, "enter", score.kind);
            band.leave = read_type(item, "leave", score.kind);
            check_band(score, band);
            score.bands.push_back(std::move(band));
        }
        if (score.band_field)
            if (const auto* field = rule_set_.catalogue.find(score.band_field->text);
                field != nullptr && !field->values.empty())
                for (const auto& band : score.bands) check_value(*field, band);
    }

    std::string read_type(const YamlNode& node, const std::string& key, const std::string& kind) {
        const auto* type = node.find(key);
        const auto text = type == nullptr ? std::nullopt : read_text(*type, key, problems_);
        if (!text) return "";
        static const std::set<std::string> taken{"created", "updated",   "deleted",     "restored",
                                                 "merged",  "score_due", "band_changed"};
        const auto dot = text->find('.');
        if (is_event_type(*text) && text->find('*') == std::string::npos) {
            if (text->substr(0, dot) == kind && !taken.contains(text->substr(dot + 1))) return *text;
            problems_.error("bad-value", type->place,
                            in_quotes(*text) +
                                " is no type for a band: write one of its own that begins with " + kind +
                                ". and is none that every " + kind + " has");
            return "";
        }
        problems_.error("bad-value", type->place,
                        in_quotes(*text) + " is no type of event: write one such as lead.qualified");
        return "";
    }

    void check_band(const Score& score, const ScoreBand& band) {
        if (!score.bands.empty()) {
            const auto& above = score.bands.back();
            if (!above.from)
                problems_.error("unreachable-band", band.place,
                                "the band above has no from and takes every score that is left");
            else if (band.from && *band.from >= *above.from)
                problems_.error("unreachable-band", band.place,
                                "bands go from the highest down, and this one begins no lower than " +
                                    in_quotes(above.id));
            else if (score.limits.min && *score.limits.min >= *above.from)
                problems_.error(
                    "unreachable-band", band.place,
                    "the score is never lower than its min, which is in the band " + in_quotes(above.id));
        }
        if (score.limits.max && band.from && *band.from > *score.limits.max)
            problems_.error("unreachable-band", band.place, "the band begins above the score's max");
    }

    void check_value(const Field& field, const ScoreBand& band) {
        if (std::find(field.values.begin(), field.values.end(), band.id) == field.values.end())
            problems_.error(
                "unknown-enum-value", band.place,
                in_quotes(band.id) + " is no value of " + field.path + problems_.hint(band.id, field.values));
    }

    RuleSet& rule_set_;
    Scores& scores_;
    Problems& problems_;
    Ids score_ids_;
    std::set<std::string> fields_;
};

}  // namespace

std::optional<Points> read_points(const YamlNode& node, const std::string& what, Problems& problems) {
    const auto text = read_text(node, what, problems);
    if (!text) return std::nullopt;
    std::string_view rest = *text;
    const bool is_negative = rest.starts_with('-');
    if (is_negative || rest.starts_with('+')) rest.remove_prefix(1);
    const auto dot = rest.find('.');
    auto cents = std::string(dot == std::string_view::npos ? "" : rest.substr(dot + 1));
    const bool has_cents = dot == std::string_view::npos || (!cents.empty() && cents.size() <= 2);
    cents.resize(2, '0');
    const auto digits = std::string(rest.substr(0, dot)) + cents;
    Points points = 0;
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), points);
    const bool good = has_cents && rest.substr(0, dot) != "" && failed == std::errc() &&
                      end == digits.data() + digits.size() && digits[0] != '-' && points <= points_most;
    if (good) return is_negative ? -points : points;
    problems.error("bad-value", node.place,
                   in_quotes(*text) +
                       " is no number of points: write one such as 10, -5 or 2.5, with two "
                       "decimals at most, up to 1000000");
    return std::nullopt;
}

void read_scoring(const YamlNode& root, RuleSet& rule_set, Problems& problems) {
    if (root.is_null() || !expect_map(root, "scoring.yaml", problems)) return;
    check_keys(root, {"scores"}, "scoring.yaml", problems);
    const auto* list = root.find("scores");
    if (!has_content(list) || !expect_list(*list, "scores", problems)) return;
    auto scores = std::make_shared<Scores>();
    ScoreReader reader(rule_set, *scores, problems);
    for (const auto& score : list->items) reader.read(score);
    reader.check_reads();
    if (!scores->empty()) rule_set.scores = std::move(scores);
}

std::vector<std::string> score_keys() {
    return {"id",  "description",    "kind",   "field",  "band_field", "min",
            "max", "remembered_max", "points", "groups", "bands"};
}

std::vector<std::string> score_group_keys() {
    return {"id", "description", "min", "max", "points"};
}

std::vector<std::string> score_entry_keys() {
    return {"id", "description", "on", "when", "add", "at_most", "for", "decay"};
}

std::vector<std::string> score_frequency_keys() {
    return {"times", "within"};
}

std::vector<std::string> score_decay_keys() {
    return {"every", "by"};
}

std::vector<std::string> score_band_keys() {
    return {"id", "description", "from", "enter", "leave"};
}

}  // namespace rules
