/// explain, history, audit: what an auditor asks a store, live or not.

#include <CLI/CLI.hpp>
#include <iostream>
#include <limits>
#include <memory>

#include "engine/app/cli.h"
#include "engine/app/commands.h"
#include "engine/app/progress.h"
#include "engine/app/rebuild_commands.h"
#include "engine/app/render.h"
#include "engine/app/support.h"
#include "engine/pipeline/explain.h"

namespace engine::app {
namespace {

constexpr std::size_t history_rows = 10'000;

struct StoreOptions {
    std::string store = store_default;
    std::string tenant;
    bool json = false;
};

void add_store_options(CLI::App& command, StoreOptions& options) {
    command.add_option("--store", options.store, store_help)->envname(store_env)->capture_default_str();
    command.add_option("--tenant", options.tenant, "The tenant; may be left out when the store holds one");
    command.add_flag("--json", options.json, "JSON for programs");
}

struct ExplainOptions : StoreOptions {
    std::string event;
    std::string source;
};

int explain_command(const ExplainOptions& options) {
    auto store = open_for_reading(options.store);
    if (!store) return complain(store.error());
    const auto tenant = choose_tenant(**store, options.tenant);
    if (!tenant) return complain(exit_code::usage, tenant.error().message);
    const auto explained = explain(**store, *tenant, EventId(options.event), options.source);
    // The id alone does not say which event: more words do.
    if (!explained && explained.error().code == Code::conflict)
        return complain(exit_code::usage, explained.error().message);
    if (!explained) return complain(explained.error());
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
        if (auto body = parse_json(*record.body, {16u << 20, 256})) json["body"] = std::move(*body);
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
    if (const auto body = parse_json(*record.body, {16u << 20, 256}); body && body->is_object())
        std::cout << indented(render_body(record.kind, *body));
}

struct HistoryOptions : StoreOptions {
    std::string subject;
    std::size_t limit = history_rows;
};

int history_command(const HistoryOptions& options) {
    const auto subject = Subject::parse(options.subject);
    if (!subject) return complain(exit_code::usage, subject.error().message);
    auto store = open_for_reading(options.store);
    if (!store) return complain(store.error());
    const auto tenant = choose_tenant(**store, options.tenant);
    if (!tenant) return complain(exit_code::usage, tenant.error().message);
    auto rows = (*store)->history(*tenant, *subject, options.limit);
    if (!rows) return complain(rows.error());
    if (rows->empty()) return complain(exit_code::failed, "nothing is known of " + options.subject);
    for (auto row = rows->rbegin(); row != rows->rend(); ++row) {
        if (options.json)
            std::cout << canonical_json(record_json(*row)) << "\n";
        else
            print_record(*row);
    }
    return exit_code::ok;
}

struct VerifyOptions : StoreOptions {
    bool reexecute = false;
    std::uint64_t named_max = 100;
};

int verify_command(const VerifyOptions& options) {
    auto store = open_for_reading(options.store);
    if (!store) return complain(store.error());
    if (options.reexecute)
        return reexecute_and_print(**store, options.tenant, options.json, options.named_max);
    TenantName tenant;  // none means all
    if (!options.tenant.empty()) {
        auto chosen = choose_tenant(**store, options.tenant);
        if (!chosen) return complain(exit_code::usage, chosen.error().message);
        tenant = *chosen;
    }
    const auto report = verify(**store, tenant);
    if (!report) return complain(report.error());
    Json faults = Json::array();
    for (const auto& fault : report->faults) {
        faults.push_back({{"tenant", fault.tenant.text()},
                          {"stream", fault.stream},
                          {"seq", fault.seq},
                          {"what", fault.what}});
        if (!options.json)
            std::cout << "BAD " << fault.tenant.text() << " " << fault.stream << "#" << fault.seq << ": "
                      << fault.what << "\n";
    }
    if (options.json)
        std::cout << canonical_json(Json{{"ok", faults.empty()},
                                         {"rows", report->rows},
                                         {"streams", report->streams},
                                         {"erased_bodies", report->erased_bodies},
                                         {"faults", faults}})
                  << "\n";
    else
        std::cout << report->rows << " rows in " << report->streams << " streams, "
                  << (report->faults.empty() ? "all good"
                                             : std::to_string(report->faults.size()) + " bad streams")
                  << "\n";
    return report->faults.empty() ? exit_code::ok : exit_code::failed;
}

Result<void> export_stream(Store& store, const TenantName& tenant, const std::string& stream,
                           Progress& progress) {
    return store.scan(tenant, stream, 0, [&](const JournalRecord& record) {
        std::cout << canonical_json(export_line(record)) << '\n';
        progress.step();
        return static_cast<bool>(std::cout);
    });
}

int export_command(const StoreOptions& options) {
    auto store = open_for_reading(options.store);
    if (!store) return complain(store.error());
    const auto tenant = choose_tenant(**store, options.tenant);
    if (!tenant) return complain(exit_code::usage, tenant.error().message);
    const auto streams = (*store)->streams(*tenant);
    if (!streams) return complain(streams.error());
    Progress progress("rows");
    for (const auto& head : *streams)
        if (auto done = export_stream(**store, *tenant, head.stream, progress); !done)
            return complain(done.error());
    std::cout.flush();
    return exit_code::ok;
}

}  // namespace

void add_store_commands(CLI::App& app, Chosen& chosen) {
    auto explain_options = std::make_shared<ExplainOptions>();
    auto* explain = app.add_subcommand("explain", "Shows why an event's decision came out as it did");
    explain->add_option("EVENT_ID", explain_options->event, "The event's id")->required();
    explain->add_option("--source", explain_options->source, "Its source, when the id is not enough");
    add_store_options(*explain, *explain_options);
    explain->callback([explain_options, &chosen] {
        chosen = [explain_options] { return explain_command(*explain_options); };
    });

    auto history_options = std::make_shared<HistoryOptions>();
    auto* history =
        app.add_subcommand("history", "Shows everything the journal has about a subject, oldest first");
    history->add_option("SUBJECT", history_options->subject, "Such as ticket/zendesk:35436")->required();
    history->add_option("--limit", history_options->limit, "Newest rows to show")->capture_default_str();
    add_store_options(*history, *history_options);
    history->callback([history_options, &chosen] {
        chosen = [history_options] { return history_command(*history_options); };
    });

    auto* audit = app.add_subcommand("audit", "Proves or exports the journal");
    audit->require_subcommand(1);
    auto verify_options = std::make_shared<VerifyOptions>();
    auto* verify = audit->add_subcommand(
        "verify", "Checks every row, digest and hash; names the first bad row of a stream");
    add_store_options(*verify, *verify_options);
    verify->add_flag("--reexecute", verify_options->reexecute,
                     "Instead: makes every decision again and compares it with the journal");
    verify
        ->add_option("--limit", verify_options->named_max,
                     "With --reexecute: how many differing decisions to name")
        ->capture_default_str();
    verify->callback(
        [verify_options, &chosen] { chosen = [verify_options] { return verify_command(*verify_options); }; });
    auto export_options = std::make_shared<StoreOptions>();
    auto* exporting = audit->add_subcommand("export", "Writes a tenant's journal as JSON lines");
    add_store_options(*exporting, *export_options);
    exporting->callback(
        [export_options, &chosen] { chosen = [export_options] { return export_command(*export_options); }; });
}

}  // namespace engine::app
