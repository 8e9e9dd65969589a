#include "engine/app/requests.h"

#include <pwd.h>
#include <unistd.h>

#include <optional>
#include <thread>

#include "engine/app/support.h"
#include "engine/pipeline/activation.h"
#include "engine/pipeline/worker.h"

namespace engine::app {
namespace {

constexpr auto poll = std::chrono::milliseconds(50);

Result<Json> result_of(const Json& answer) {
    if (const auto* ok = find(answer, "ok")) return *ok;
    const auto code = text_or(answer, "code", "");
    const auto message = text_or(answer, "error", "the owner gave no reason");
    for (const auto known :
         {Code::invalid_input, Code::not_found, Code::conflict, Code::unavailable, Code::denied})
        if (name_of(known) == code) return Error{known, message};
    return Error{Code::unavailable, message};
}

Result<Json> wait_for_owner(Store& store, const Request& request, Duration patience) {
    auto number = store.leave(request);
    if (!number) return number.error();
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < deadline) {
        auto left = store.request(*number);
        if (!left) return left.error();
        if (*left && (*left)->answer) return result_of(*(*left)->answer);
        std::this_thread::sleep_for(poll);
    }
    return unavailable("the running daemon has not answered yet; the command waits for it");
}

/// A command needs no more of the tenant than its name, but what was active is what it is performed under.
Result<std::shared_ptr<const Tenant>> tenant_for(Store& store, const TenantName& name) {
    auto version = active_version(store, name);
    if (!version) return version.error();
    if (!version->empty()) {
        auto files = store.rule_set(name, *version);
        if (!files) return files.error();
        if (*files)
            if (auto tenant = tenant_of_files(name, files_from_json(**files))) return tenant;
    }
    auto bare = std::make_shared<Tenant>();
    bare->name = name;
    bare->set_rules(std::make_shared<const rules::RuleSet>());
    return std::shared_ptr<const Tenant>(std::move(bare));
}

Result<Json> perform_here(Store& store, Request request) {
    if (auto owned = store.own(); !owned) return owned.error();
    Tenants tenants;
    if (!request.tenant.empty()) {
        auto tenant = tenant_for(store, request.tenant);
        if (!tenant) return tenant.error();
        tenants.emplace(request.tenant, *std::move(tenant));
    }
    Worker worker(store, std::move(tenants), {});
    const auto now = SystemClock().now();
    if (auto started = worker.start(now); !started) return started.error();
    std::optional<Result<Json>> answer;
    worker.command(std::move(request), [&answer](Result<Json> result) { answer = std::move(result); });
    worker.turn(now);
    return answer ? std::move(*answer) : Result<Json>(unavailable("the store does not take commits"));
}

}  // namespace

std::string operator_name() {
    const auto* entry = getpwuid(geteuid());
    return std::string("operator:") + (entry != nullptr ? entry->pw_name : std::to_string(geteuid()));
}

Result<Json> perform(const std::string& store_url, Request request, Duration patience) {
    OpenOptions looking;
    looking.read_only = true;
    auto known = open_store(store_url, looking);
    if (!known) return known.error();
    if (!request.tenant.empty())
        if (auto tenant = choose_tenant(**known, request.tenant.text()); !tenant) return tenant.error();
    auto store = open_store(store_url);
    if (!store) return store.error();
    request.actor = operator_name();
    request.made = SystemClock().now();
    auto owner = (*store)->has_owner();
    if (!owner) return owner.error();
    if (*owner) return wait_for_owner(**store, request, patience);
    return perform_here(**store, std::move(request));
}

Result<Json> make_live(const std::string& store_url, const Tenant& tenant, const std::string& via,
                       const std::string& message, Duration patience) {
    auto store = open_store(store_url);
    if (!store) return store.error();
    if (auto kept = keep_rule_set(**store, tenant); !kept) return kept.error();
    const auto& version = tenant.rule_set->version;
    const auto now = SystemClock().now();
    const auto has_owner = (*store)->has_owner();
    if (!has_owner) return has_owner.error();
    if (*has_owner) {
        Request request;
        request.tenant = tenant.name;
        request.command = activate_command;
        request.arguments = Json{{"version", version}, {"via", via}, {"message", message}};
        request.actor = operator_name();
        request.made = now;
        return wait_for_owner(**store, request, patience);
    }
    if (auto owned = (*store)->own(); !owned) return owned.error();
    const auto done = activate(**store, tenant, {via, operator_name(), message}, now);
    if (!done) return done.error();
    return Json{{"version", version}, {"state", *done ? "active" : "unchanged"}};
}

}  // namespace engine::app
