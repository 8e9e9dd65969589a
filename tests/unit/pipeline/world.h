#pragma once
/// A tenant, a store in memory and a worker, for tests of the pipeline.

#include <memory>
#include <string>
#include <vector>

#include "engine/base/ensure.h"
#include "engine/pipeline/activation.h"
#include "engine/pipeline/tenant.h"
#include "engine/pipeline/worker.h"
#include "engine/store/sqlite/sqlite_store.h"
#include "tests/support/instants.h"

namespace engine::test {

inline const Instant noon = at("2026-03-02T12:00:00Z");

inline std::shared_ptr<const Tenant> tenant_of(const rules::Files& files,
                                               std::shared_ptr<rules::ScriptHost> scripts = nullptr) {
    Diagnostics diagnostics;
    LoadOptions options;
    options.scripts = std::move(scripts);
    auto tenant = load_tenant(TenantName("acme"), files, options, diagnostics);
    for (const auto& one : diagnostics.sorted()) std::fprintf(stderr, "%s\n", to_text(one).c_str());
    ENSURE(tenant != nullptr);
    return tenant;
}

inline constexpr auto sandbox_connections =
    "connections:\n"
    "  slack: { connector: slack, sandbox: true }\n"
    "  zendesk: { connector: zendesk, sandbox: true }\n";

/// A tenant with these rules (the value of `rules:`), its connections in sandbox mode.
inline std::shared_ptr<const Tenant> tenant_with(const std::string& rules,
                                                 const std::string& settings = "name: acme\n") {
    return tenant_of({{"tenant.yaml", settings},
                      {"connections.yaml", sandbox_connections},
                      {"rules.yaml", "rules:\n" + rules}});
}

inline Event event(const std::string& id, const std::string& type, const std::string& subject,
                   const Json& data, const std::string& time = "") {
    Event made;
    made.tenant = TenantName("acme");
    made.id = EventId(id);
    made.source = "test";
    made.type = type;
    made.subject = *Subject::parse(subject);
    made.data = data;
    made.received = noon;
    made.connection = std::string(made.subject.connection());
    if (!time.empty()) made.time = at(time);
    return made;
}

inline Attempt done_with(Json result) {
    Attempt attempt;
    attempt.status = 200;
    attempt.result = std::move(result);
    attempt.answered = true;
    return attempt;
}

inline Attempt failed_with(const std::string& reason) {
    Attempt attempt;
    attempt.kind = Attempt::Kind::failed;
    attempt.status = 400;
    attempt.reason = reason;
    return attempt;
}

/// A store in memory, a worker on it, and what came of things.
struct World {
    explicit World(std::shared_ptr<const Tenant> given, WorkerOptions options = {})
        : tenant(std::move(given)) {
        auto opened = open_sqlite(":memory:");
        ENSURE(opened);
        store = std::move(*opened);
        ENSURE(store->own());
        ENSURE(activate(*store, *tenant, {}, noon));
        start(std::move(options));
    }

    void start(WorkerOptions options = {}) {
        worker = std::make_unique<Worker>(*store, Tenants{{tenant->name, tenant}}, std::move(options),
                                          [this](const Event& event, const Decision& decision) {
                                              decided.push_back(event.id.text());
                                              decisions.push_back(decision);
                                          });
        ENSURE(worker->start(noon));
    }

    std::vector<Ack> submit(std::vector<Event> events, Instant now = noon) {
        std::vector<Ack> acks;
        worker->submit(std::move(events), [&acks](std::vector<Ack> done) { acks = std::move(done); });
        run(now);
        return acks;
    }
    Ack submit(Event one, Instant now = noon) {
        return submit(std::vector<Event>{std::move(one)}, now).front();
    }

    /// Turns until nothing waits.
    void run(Instant now = noon) {
        while ((worker->has_work() || worker->has_timers(now)) && worker->turn(now)) {
        }
    }

    Entity entity(const std::string& subject) {
        auto found = store->entity(tenant->name, *Subject::parse(subject));
        ENSURE(found);
        return *found ? **found : Entity{};
    }

    Result<Json> command(const std::string& name, Json arguments) {
        Request request;
        request.tenant = tenant->name;
        request.command = name;
        request.arguments = std::move(arguments);
        request.actor = "operator:test";
        Result<Json> answer = not_found("no answer");
        worker->command(std::move(request), [&answer](Result<Json> result) { answer = std::move(result); });
        run();
        return answer;
    }

    std::shared_ptr<const Tenant> tenant;
    std::unique_ptr<Store> store;
    std::unique_ptr<Worker> worker;
    std::vector<std::string> decided;
    std::vector<Decision> decisions;
};

}  // namespace engine::test
