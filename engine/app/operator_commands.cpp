/// dead-letters, lanes, timers, keys: what an operator does with a store, live or not.

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "engine/app/cli.h"
#include "engine/app/commands.h"
#include "engine/app/requests.h"
#include "engine/app/store_options.h"
#include "engine/app/support.h"
#include "engine/base/text.h"
#include "engine/http/api_key.h"
#include "engine/pipeline/key_json.h"
#include "engine/pipeline/timers.h"

namespace engine::app {
namespace {

struct OperatorOptions : StoreOptions {
    std::string name;  ///< key, subject or id
    bool all = false;
    bool retry = false;
    bool discard = false;
    std::string label;
    std::vector<std::string> scopes;
    std::string expires;
};

int perform_and_print(const OperatorOptions& options, Request request) {
    const auto answer = perform(options.store, std::move(request));
    if (!answer) return complain(answer.error());
    if (options.json)
        std::cout << canonical_json(*answer) << "\n";
    else
        std::cout << text_or(*answer, "state", "done") << "\n";
    return exit_code::ok;
}

Json json_of(const DeadLetter& letter) {
    const auto& delivery = letter.delivery;
    return {{"key", delivery.key.text()},
            {"event", delivery.event.text()},
            {"subject", delivery.lane.text()},
            {"rule", delivery.action.rule},
            {"connection", delivery.action.connection},
            {"action", delivery.action.action},
            {"attempts", delivery.attempts},
            {"status", letter.status},
            {"reason", letter.reason},
            {"since", to_text(letter.since)}};
}

int list_dead_letters(const OperatorOptions& options) {
    return with_tenant(options, [&](Store& store, const TenantName& tenant) {
        const auto letters = store.dead_letters(tenant, list_rows);
        if (!letters) return complain(letters.error());
        for (const auto& letter : *letters) {
            if (options.json)
                std::cout << canonical_json(json_of(letter)) << "\n";
            else
                std::cout << letter.delivery.key.text() << "  " << to_text(letter.since) << "  "
                          << letter.delivery.action.connection << "." << letter.delivery.action.action << "  "
                          << letter.delivery.lane.text() << "  " << letter.reason << "\n";
        }
        return exit_code::ok;
    });
}

Result<std::vector<std::string>> dead_letter_keys(const OperatorOptions& options, TenantName& tenant) {
    auto store = open_for_reading(options.store);
    if (!store) return store.error();
    auto chosen = choose_tenant(**store, options.tenant);
    if (!chosen) return chosen.error();
    tenant = *chosen;
    if (!options.all) return std::vector<std::string>{options.name};
    auto letters = (*store)->dead_letters(tenant, list_rows);
    if (!letters) return letters.error();
    std::vector<std::string> keys;
    for (const auto& letter : *letters) keys.push_back(letter.delivery.key.text());
    return keys;
}

int act_on_dead_letters(const OperatorOptions& options, const std::string& command) {
    if (options.all != options.name.empty()) return complain(exit_code::usage, "say either a KEY or --all");
    TenantName tenant;
    const auto keys = dead_letter_keys(options, tenant);
    if (!keys) return complain(keys.error());
    int worst = exit_code::ok;
    for (const auto& key : *keys) {
        Request request;
        request.tenant = tenant;
        request.command = command;
        request.arguments = Json{{"key", key}};
        const int code = perform_and_print(options, std::move(request));
        worst = std::max(worst, code);
    }
    return worst;
}

int list_lanes(const OperatorOptions& options) {
    return with_tenant(options, [&](Store& store, const TenantName& tenant) {
        const auto lanes = store.blocked_lanes(tenant);
        if (!lanes) return complain(lanes.error());
        for (const auto& lane : *lanes) {
            // The event it stumbled over waits too, before the others.
            const auto behind = lane.waiting > 0 ? lane.waiting - 1 : 0;
            if (options.json)
                std::cout << canonical_json(Json{{"subject", lane.subject.text()},
                                                 {"event", lane.event.text()},
                                                 {"reason", lane.reason},
                                                 {"since", to_text(lane.since)},
                                                 {"waiting", behind}})
                          << "\n";
            else
                std::cout << lane.subject.text() << "  since " << to_text(lane.since) << ", " << behind
                          << " waiting: " << lane.reason << "\n";
        }
        return exit_code::ok;
    });
}

int list_timers(const OperatorOptions& options) {
    return with_tenant(options, [&](Store& store, const TenantName& tenant) {
        const auto subject = Subject::parse(options.name);
        if (!options.name.empty() && !subject) return complain(exit_code::usage, subject.error().message);
        const auto timers = subject ? store.timers_of(tenant, *subject) : store.timers(tenant, list_rows);
        if (!timers) return complain(timers.error());
        for (const auto& timer : *timers) {
            if (options.json)
                std::cout << canonical_json(describe(timer)) << "\n";
            else
                std::cout << to_text(timer.due) << "  " << timer.subject.text() << "  "
                          << text_or(timer.body, "event", "") << "  " << rule_of(timer) << "  " << timer.name
                          << "\n";
        }
        return exit_code::ok;
    });
}

int release_lane(const OperatorOptions& options) {
    if (options.retry == options.discard)
        return complain(exit_code::usage, "say either --retry or --discard");
    return with_tenant(options, [&](Store&, const TenantName& tenant) {
        Request request;
        request.tenant = tenant;
        request.command = "lanes.release";
        request.arguments = Json{{"subject", options.name}, {"mode", options.retry ? "retry" : "discard"}};
        return perform_and_print(options, std::move(request));
    });
}

int create_key(const OperatorOptions& options, const TenantName& tenant) {
    std::vector<std::string> scopes = options.scopes;
    if (scopes.empty()) scopes.assign(http::scopes.begin(), http::scopes.end());
    if (auto checked = http::check_scopes(scopes); !checked)
        return complain(exit_code::usage, checked.error().message);
    const auto now = SystemClock().now();
    std::optional<Instant> expires;
    if (!options.expires.empty()) {
        const auto span = parse_duration(options.expires);
        if (!span) return complain(exit_code::usage, "--expires: " + span.error().message);
        expires = now + *span;
    }
    const auto made = http::make_key(tenant, options.label, scopes, expires, now);
    Request request;
    request.tenant = tenant;
    request.command = "keys.create";
    request.arguments = key_to_json(made.key);
    const auto answer = perform(options.store, std::move(request));
    if (!answer) return complain(answer.error());
    if (options.json)
        std::cout << canonical_json(
                         Json{{"id", made.key.id}, {"key", made.text}, {"scopes", made.key.scopes}})
                  << "\n";
    else
        std::cout << made.text << "\n";
    std::cerr << "The key is shown this once; only its digest is kept.\n";
    return exit_code::ok;
}

const char* state_of(const ApiKey& key, Instant now) {
    if (key.revoked) return "revoked";
    return key.expires && *key.expires <= now ? "expired" : "active ";
}

int list_keys(const OperatorOptions& options) {
    const auto now = SystemClock().now();
    return with_tenant(options, [&](Store& store, const TenantName& tenant) {
        const auto keys = store.keys(tenant);
        if (!keys) return complain(keys.error());
        for (const auto& key : *keys) {
            Json json = key_to_json(key);
            json.erase("secret_digest");
            if (key.revoked) json["revoked"] = to_text(*key.revoked);
            if (options.json)
                std::cout << canonical_json(json) << "\n";
            else
                std::cout << key.id << "  " << state_of(key, now) << "  " << join(key.scopes, ",") << "  "
                          << (key.expires ? "expires " + to_text(*key.expires) : "never expires") << "  "
                          << key.name << "\n";
        }
        return exit_code::ok;
    });
}

int revoke_key(const OperatorOptions& options) {
    return with_tenant(options, [&](Store&, const TenantName& tenant) {
        Request request;
        request.tenant = tenant;
        request.command = "keys.revoke";
        request.arguments = Json{{"id", options.name}};
        return perform_and_print(options, std::move(request));
    });
}

/// A command below `parent` with the common options.
CLI::App* add(CLI::App& parent, const char* name, const char* help,
              const std::shared_ptr<OperatorOptions>& options, Chosen& chosen,
              std::function<int(const OperatorOptions&)> run) {
    auto* command = parent.add_subcommand(name, help);
    add_store_options(*command, *options);
    command->callback(
        [options, &chosen, run = std::move(run)] { chosen = [options, run] { return run(*options); }; });
    return command;
}

void add_dead_letters(CLI::App& app, Chosen& chosen) {
    auto* parent = app.add_subcommand("dead-letters", "Actions that were given up on");
    parent->require_subcommand(1);
    add(*parent, "list", "Lists them", std::make_shared<OperatorOptions>(), chosen, list_dead_letters);
    for (const auto& [name, help] : {std::pair{"retry", "Puts them back at the tail of their lanes"},
                                     std::pair{"discard", "Gives them up for good"}}) {
        auto options = std::make_shared<OperatorOptions>();
        const std::string command = std::string("dead-letters.") + name;
        auto* sub = add(*parent, name, help, options, chosen, [command](const OperatorOptions& given) {
            return act_on_dead_letters(given, command);
        });
        sub->add_option("KEY", options->name, "The delivery's key, from the list");
        sub->add_flag("--all", options->all, "All of the tenant's");
    }
}

void add_lanes(CLI::App& app, Chosen& chosen) {
    auto* parent = app.add_subcommand("lanes", "Lanes that wait for an operator");
    parent->require_subcommand(1);
    add(*parent, "list", "Lists them with what they stumbled over", std::make_shared<OperatorOptions>(),
        chosen, list_lanes);
    auto options = std::make_shared<OperatorOptions>();
    auto* release = add(*parent, "release", "Lets a lane go on", options, chosen, release_lane);
    release->add_option("SUBJECT", options->name, "The lane's subject")->required();
    release->add_flag("--retry", options->retry, "Decide the event it stumbled over again, then the rest");
    release->add_flag("--discard", options->discard, "Leave that event as it is, then decide the rest");
}

void add_timers(CLI::App& app, Chosen& chosen) {
    auto* parent = app.add_subcommand("timers", "What waits for its time");
    parent->require_subcommand(1);
    auto options = std::make_shared<OperatorOptions>();
    auto* list =
        add(*parent, "list", "Lists timers in the order in which they are due", options, chosen, list_timers);
    list->add_option("SUBJECT", options->name, "Of this entity only");
}

void add_keys(CLI::App& app, Chosen& chosen) {
    auto* parent = app.add_subcommand("keys", "API keys of a tenant");
    parent->require_subcommand(1);
    auto made = std::make_shared<OperatorOptions>();
    auto* create = add(*parent, "create", "Makes a key and prints it once", made, chosen,
                       [](const OperatorOptions& options) {
                           return with_tenant(options, [&](Store&, const TenantName& tenant) {
                               return create_key(options, tenant);
                           });
                       });
    create->add_option("--name", made->label, "What the key is for");
    create->add_option("--scope", made->scopes, "What it may do (repeatable; default: everything)")
        ->delimiter(',');
    create->add_option("--expires", made->expires, "After so long, such as 90d");
    add(*parent, "list", "Lists them without their secrets", std::make_shared<OperatorOptions>(), chosen,
        list_keys);
    auto gone = std::make_shared<OperatorOptions>();
    auto* revoke = add(*parent, "revoke", "Refuses a key from now on", gone, chosen, revoke_key);
    revoke->add_option("ID", gone->name, "The key's id, from the list")->required();
}

}  // namespace

void add_operator_commands(CLI::App& app, Chosen& chosen) {
    add_dead_letters(app, chosen);
    add_lanes(app, chosen);
    add_timers(app, chosen);
    add_keys(app, chosen);
}

}  // namespace engine::app
