/// explain, history: what an auditor asks a store, live or not.

#include <CLI/CLI.hpp>
#include <iostream>
#include <limits>
#include <memory>
#include <set>
#include <tuple>

#include "engine/app/cli.h"
#include "engine/app/commands.h"
#include "engine/app/render.h"
#include "engine/app/script_hosts.h"
#include "engine/app/store_options.h"
#include "engine/app/support.h"
#include "engine/base/diagnostic.h"
#include "engine/base/text.h"
#include "engine/pipeline/explain.h"

namespace engine::app {
namespace {

constexpr std::size_t history_rows = 10'000;

struct ExplainOptions : StoreOptions {
    std::string event;
    std::string source;
    std::string rule;
};

/// Leaves the one rule in every pass. Fails with not_found, naming the nearest, when the rule set of then had
/// none of that id.
Result<void> keep_rule(Json& explained, const std::string& id) {
    std::set<std::string> ids;
    for (auto& pass : explained["trace"]["passes"]) {
        Json kept = Json::array();
        for (auto& rule : pass["rules"]) {
            ids.insert(text_or(rule, "id", ""));
            if (text_or(rule, "id", "") == id) kept.push_back(std::move(rule));
        }
        pass["rules"] = std::move(kept);
    }
    if (ids.contains(id)) return {};
    return not_found("no rule \"" + id + "\" took part under " + text_or(explained, "decision.ruleset", "") +
                     hint(id, {ids.begin(), ids.end()}));
}

int explain_command(const ExplainOptions& options, Store& store, const TenantName& tenant) {
    auto explained = explain(store, tenant, EventId(options.event), options.source, recorded_scripts());
    // The id alone does not say which event: more words do.
    if (!explained && explained.error().code == Code::conflict)
        return complain(exit_code::usage, explained.error().message);
    if (!explained) return complain(explained.error());
    if (!options.rule.empty() && explained->contains("trace"))
        if (auto kept = keep_rule(*explained, options.rule); !kept) return complain(kept.error());
    if (options.json) {
        std::cout << canonical_json(*explained) << "\n";
        return exit_code::ok;
    }
    if (explained->contains("pending")) {
        std::cout << "The event waits in its lane and is not decided yet.\n";
        return exit_code::ok;
    }
    std::cout << render_decision((*explained)["decision"]) << "  rules    "
              << text_or(*explained, "decision.ruleset", "") << "\n"
              << render_trace((*explained)["trace"]);
    if ((*explained)["reproduced"] == Json(true))
        std::cout << "Decided again from the journal: the same.\n";
    else
        std::cerr << "signalbox: deciding again from the journal gave another decision\n";
    return exit_code::ok;
}

Json record_json(const JournalRecord& record) {
    Json json{{"stream", record.stream},
              {"seq", record.seq},
              {"time", to_text(record.time)},
              {"kind", record.kind},
              {"actor", record.actor}};
    if (!record.subject.empty()) json["subject"] = record.subject;
    if (record.entity_version > 0) json["version"] = record.entity_version;
    if (!record.cause_event.empty()) json["event"] = record.cause_event;
    if (!record.cause_rule.empty()) json["rule"] = record.cause_rule;
    if (!record.ruleset.empty()) json["ruleset"] = record.ruleset;
    if (record.body)
        if (auto body = parse_json(*record.body, stored_json_limits)) json["body"] = std::move(*body);
    return json;
}

std::string indented(const std::string& text) {
    std::string out;
    for (std::size_t begin = 0; begin < text.size();) {
        const auto end = std::min(text.find('\n', begin), text.size() - 1);
        out += "  " + text.substr(begin, end - begin + 1);
        begin = end + 1;
    }
    return out;
}

void print_record(const JournalRecord& record) {
    std::cout << to_text(record.time) << "  " << record.kind;
    if (record.entity_version > 0) std::cout << "  v" << record.entity_version;
    std::cout << "  " << record.stream << "#" << record.seq << "  " << record.actor << "\n";
    if (!record.body) {
        std::cout << "  (erased)\n";
        return;
    }
    if (const auto body = parse_json(*record.body, stored_json_limits); body && body->is_object())
        std::cout << indented(render_body(record.kind, *body));
}

struct HistoryOptions : StoreOptions {
    std::string subject;
    std::size_t limit = history_rows;
};

int history_command(const HistoryOptions& options, Store& store, const TenantName& tenant) {
    const auto subject = Subject::parse(options.subject);
    if (!subject) return complain(exit_code::usage, subject.error().message);
    auto rows = store.history(tenant, *subject, options.limit);
    if (!rows) return complain(rows.error());
    if (rows->empty()) {
        const auto entity = store.entity(tenant, *subject);
        const bool known = entity && *entity;
        return complain(exit_code::failed,
                        known ? "all rows about " + options.subject + " were taken away by retention"
                              : "nothing is known of " + options.subject);
    }
    for (auto row = rows->rbegin(); row != rows->rend(); ++row) {
        if (options.json)
            std::cout << canonical_json(record_json(*row)) << "\n";
        else
            print_record(*row);
    }
    // Each stream's last row, as they came newest first.
    const auto& oldest = rows->back();
    if (oldest.previous != 0 && rows->size() < options.limit)
        std::cerr << "Older rows, up to row " << oldest.previous << " of stream " << oldest.stream
                  << ", were taken away by retention.\n";
    return exit_code::ok;
}

struct ListOptions : StoreOptions {
    std::string subject;
    std::string since;
    std::string until;
    JournalQuery query;
};

/// A moment, or how long ago: `2026-11-01T00:00:00Z`, `36h`.
Result<Instant> moment_of(const std::string& option, const std::string& text) {
    if (const auto instant = parse_instant(text)) return *instant;
    if (const auto span = parse_duration(text)) return SystemClock().now() - *span;
    return invalid(option + ": \"" + text +
                   "\" is neither a time such as 2026-11-01T00:00:00Z nor a span such as 36h");
}

Result<JournalQuery> query_of(const ListOptions& options) {
    auto query = options.query;
    if (!options.subject.empty()) {
        const auto subject = Subject::parse(options.subject);
        if (!subject) return subject.error();
        query.subject = *subject;
    }
    for (const auto& [option, text, place] : {std::tuple("--since", &options.since, &query.since),
                                              std::tuple("--until", &options.until, &query.until)}) {
        if (text->empty()) continue;
        const auto moment = moment_of(option, *text);
        if (!moment) return moment.error();
        *place = *moment;
    }
    return query;
}

int list_command(const ListOptions& options, Store& store, const TenantName& tenant) {
    const auto query = query_of(options);
    if (!query) return complain(exit_code::usage, query.error().message);
    const auto rows = store.search(tenant, *query);
    if (!rows) return complain(rows.error());
    for (auto row = rows->rbegin(); row != rows->rend(); ++row) {
        if (options.json)
            std::cout << canonical_json(record_json(*row)) << "\n";
        else
            print_record(*row);
    }
    if (rows->size() == query->limit)
        std::cerr << "These are the newest " << rows->size() << "; there may be more (--limit).\n";
    return exit_code::ok;
}

}  // namespace

void add_store_commands(CLI::App& app, Chosen& chosen) {
    auto explain_options = std::make_shared<ExplainOptions>();
    auto* explain = app.add_subcommand("explain", "Shows why an event's decision came out as it did");
    explain->add_option("EVENT_ID", explain_options->event, "The event's id")->required();
    explain->add_option("--source", explain_options->source, "Its source, when the id is not enough");
    explain->add_option("--rule", explain_options->rule,
                        "Only this rule: why it fired, or which condition and value kept it from it");
    add_store_options(*explain, *explain_options);
    explain->callback([explain_options, &chosen] { chosen = on_tenant(explain_options, explain_command); });

    auto history_options = std::make_shared<HistoryOptions>();
    auto* history =
        app.add_subcommand("history", "Shows everything the journal has about a subject, oldest first");
    history->add_option("SUBJECT", history_options->subject, "Such as ticket/zendesk:35436")->required();
    history->add_option("--limit", history_options->limit, "Newest rows to show")->capture_default_str();
    add_store_options(*history, *history_options);
    history->callback([history_options, &chosen] { chosen = on_tenant(history_options, history_command); });
}

void add_audit_list(CLI::App& audit, Chosen& chosen) {
    auto list_options = std::make_shared<ListOptions>();
    auto* list = audit.add_subcommand("list", "Lists rows by subject, rule, kind and time, oldest first");
    add_store_options(*list, *list_options);
    list->add_option("--subject", list_options->subject, "Such as ticket/zendesk:35436");
    list->add_option("--rule", list_options->query.rule,
                     "Decisions in which the rule fired, and deliveries that it led to");
    list->add_option("--kind", list_options->query.kind, "Such as event, decision, delivered, retention");
    list->add_option("--since", list_options->since, "A time, or how long ago; included");
    list->add_option("--until", list_options->until, "A time, or how long ago; not included");
    list->add_option("--limit", list_options->query.limit, "Newest rows to show")->capture_default_str();
    list->callback([list_options, &chosen] { chosen = on_tenant(list_options, list_command); });
}

}  // namespace engine::app
