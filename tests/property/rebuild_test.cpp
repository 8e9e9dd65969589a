// Random streams through the pipeline: what the store holds is what the journal says, on every backend the
// same.

#include "engine/pipeline/rebuild.h"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/hash.h"
#include "engine/pipeline/reexecute.h"
#include "engine/store/codec.h"
#include "engine/store/postgres/postgres_store.h"
#include "engine/store/verify.h"
#include "tests/support/catch.h"
#include "tests/support/folder.h"
#include "tests/support/postgres.h"
#include "tests/support/random.h"
#include "tests/unit/pipeline/gated_store.h"
#include "tests/unit/pipeline/world.h"

namespace rebuild_test {

using namespace engine;
using namespace engine::test;
using testing_random::Random;

namespace {

/// Conditions on changes, tags, a link by e-mail, contacts that enter their lanes, emitted events,
/// write-backs, saved results, rules that wait for them, for a time or for an event, timers, schedules, lanes
/// that stop, and rules that look at deliveries given up.
constexpr auto rules_of_all_kinds =
    "  - id: reopened\n"
    "    on: [ticket.created, ticket.updated]\n"
    "    when: { ticket.status: { changed_from: solved } }\n"
    "    then: [ { add_tags: [reopened] } ]\n"
    "  - id: vip\n"
    "    on: [ticket.created, ticket.updated]\n"
    "    when: { contact.custom.vip: true }\n"
    "    then: [ { add_tags: [\"vip_{{ contact.name }}\"] } ]\n"
    "  - id: notice\n"
    "    on: ticket.created\n"
    "    then: [ { emit: { type: ticket.noticed, data: { note: { text: hello } } } } ]\n"
    "  - id: tell\n"
    "    on: ticket.noticed\n"
    "    then:\n"
    "      - add_tags: [noticed]\n"
    "      - emit: { type: contact.told, subject: contact/zendesk:1, data: { contact: { name: told } } }\n"
    "  - id: call\n"
    "    on: [ticket.created, ticket.updated]\n"
    "    when: { ticket.priority: urgent }\n"
    "    then:\n"
    "      - slack.post_message: { channel: C1, text: \"{{ ticket.id }}\" }\n"
    "        save: { ticket.custom.ts: result.ts }\n"
    "  - id: two-steps\n"
    "    on: ticket.updated\n"
    "    when: { ticket.status: pending }\n"
    "    then:\n"
    "      - slack.post_message: { channel: C2, text: first }\n"
    "        as: first\n"
    "      - zendesk.create_ticket: { subject: \"{{ steps.first.result.ts }}\", description: x }\n"
    "        as: second\n"
    "      - set: { ticket.custom.number: \"{{ steps.second.result.id }}\" }\n"
    "  - id: patient\n"
    "    on: ticket.updated\n"
    "    when: { ticket.status: { changed_to: pending } }\n"
    "    then:\n"
    "      - wait: 20s\n"
    "        recheck: true\n"
    "      - add_tags: [waited]\n"
    "      - slack.post_message: { channel: C3, text: later }\n"
    "        as: post\n"
    "      - wait: 10s\n"
    "      - set: { ticket.custom.posted: \"{{ steps.post.result.ts }}\" }\n"
    "  - id: ask\n"
    "    on: [ticket.created, ticket.updated]\n"
    "    when: { ticket.priority: { changed_to: high } }\n"
    "    then:\n"
    "      - wait_for: { on: \"ticket.*\", when: { ticket.status: { changed_to: open } }, timeout: 25s }\n"
    "        else: [ { add_tags: [unanswered] }, { wait_for: { on: delivery.done, timeout: 15s } }, { "
    "add_tags: [sent] } ]\n"
    "      - add_tags: [answered]\n"
    "  - id: sweep\n"
    "    on: schedule\n"
    "    schedule: { every: 1m, for: ticket }\n"
    "    when: { ticket.status: pending }\n"
    "    then: [ { add_tags: [swept] } ]\n"
    "  - id: tick\n"
    "    on: schedule\n"
    "    schedule: { cron: \"*/2 * * * *\", zone: Europe/Berlin }\n"
    "    then: [ { set: { schedule.custom.last: \"{{ now }}\" } } ]\n"
    "  - id: remind-later\n"
    "    on: [ticket.created, ticket.updated]\n"
    "    when: { ticket.status: open }\n"
    "    then:\n"
    "      - emit: { type: ticket.reminder, after: 45s, data: { ticket: { custom: { reminded: true } } } }\n"
    "  - id: remind\n"
    "    on: ticket.reminder\n"
    "    then: [ { add_tags: [reminded] }, { emit: { type: ticket.again, after: 2m } } ]\n"
    "  - id: forget\n"
    "    on: [ticket.created, ticket.updated]\n"
    "    when: { ticket.status: solved }\n"
    "    then: [ { cancel: ticket.reminder } ]\n"
    "  - id: busy\n"
    "    on: [ticket.created, ticket.updated]\n"
    "    when: { ticket.requester.email: { count_over: { at_least: 3, within: 20s } } }\n"
    "    then:\n"
    "      - add_tags: [busy]\n"
    "      - wait: 10s\n"
    "      - if: { ticket.status: { count_over: { more_than: 4, within: 1m, on: \"ticket.*\" } } }\n"
    "        then: [ { add_tags: [crowded] } ]\n"
    "  - id: given-up\n"
    "    on: delivery.failed\n"
    "    then: [ { add_tags: [given_up] } ]\n"
    "  - id: strict\n"
    "    on: [ticket.created, ticket.updated]\n"
    "    when: { ticket.subject: broken }\n"
    "    on_error: lane\n"
    "    then: [ { set: { ticket.priority: \"{{ ticket.subject }}\" } } ]\n";
constexpr auto one_rule_more =
    "  - id: more\n"
    "    on: [ticket.created, ticket.updated]\n"
    "    when: { ticket.status: { changed_to: solved } }\n"
    "    then: [ { set: { ticket.custom.rounds: 2.0 } }, { add_tags: [solved] } ]\n";

/// Clocks that begin, stand, warn, change their targets and are late while the histories last.
constexpr auto service_levels =
    "policies:\n"
    "  - id: urgent\n"
    "    when: { ticket.priority: urgent }\n"
    "    warn: 50%\n"
    "    targets: { resolution: 20s, periodic_update: 15s }\n"
    "  - id: others\n"
    "    calendar: mornings\n"
    "    pause: { ticket.status: pending }\n"
    "    reopen: restart\n"
    "    targets: { resolution: { low: 2m, else: 50s }, agent_work: 30s }\n";
/// Points that come with events, decay and end, and bands that are entered and left, while the histories
/// last.
constexpr auto scores =
    "scores:\n"
    "  - id: heat\n"
    "    kind: ticket\n"
    "    field: ticket.custom.heat\n"
    "    band_field: ticket.custom.band\n"
    "    max: 40\n"
    "    points:\n"
    "      - { id: urgent, when: { ticket.priority: urgent }, add: 15 }\n"
    "      - { id: marked, when: { ticket.tags: { has: solved } }, add: -7.5 }\n"
    "      - { id: touched, on: ticket.updated, add: 10, decay: { every: 20s, by: 40% } }\n"
    "      - { id: told, on: [ticket.noticed, delivery.done], add: 5, for: 70s, at_most: { times: 2, within: "
    "30s } }\n"
    "    bands: [ { id: hot, from: 25, enter: ticket.heated }, { id: warm, from: 10 }, { id: cold } ]\n";
constexpr auto rule_on_scores =
    "  - id: heated\n"
    "    on: [ticket.heated, ticket.score_due]\n"
    "    when: { ticket.custom.band: { ne: cold } }\n"
    "    then: [ { add_tags: [\"{{ ticket.custom.band }}\"] }, { score: { heat: -1.25 } } ]\n";
constexpr auto calendars =
    "calendars: { mornings: { zone: Europe/Berlin, hours: { mon-sun: \"08:00-13:01\" } } }\n";
constexpr auto rule_on_levels =
    "  - id: late\n"
    "    on: [sla.breached, sla.warning, sla.met]\n"
    "    then: [ { add_tags: [\"{{ event.type }}\"] } ]\n";

/// More work than the desk has room for, and levels that are reached, taken on and begun again while the
/// histories last.
constexpr auto routing =
    "agents:\n"
    "  - { id: ana, capacity: 2, skills: [hot], notify: [ { slack.post_message: { channel: C4, text: \"level "
    "{{ "
    "escalation.level }}\" } } ] }\n"
    "  - { id: ben, capacity: 1, notify: [ { emit: ticket.brought_up } ] }\n"
    "teams: [ { id: all, members: [ana, ben] }, { id: hot, members: [ana] } ]\n"
    "channels: [ { id: room, notify: [ { slack.post_message: { channel: C5, text: loud } } ] } ]\n"
    "queues:\n"
    "  - { id: hot, when: { ticket.priority: urgent }, teams: [hot], skills: [hot], overflow: { after: 20s, "
    "to: "
    "rest } }\n"
    "  - { id: rest, teams: [hot, all], strategy: round_robin, priority: 60 }\n"
    "on_call: [ { id: duty, zone: UTC, rotations: [ { turns: [ana, ben], every: 1d, starts: 2026-01-01 } ] } "
    "]\n"
    "escalations:\n"
    "  - id: chain\n"
    "    levels:\n"
    "      - notify: [ { channel: room } ]\n"
    "      - { after: 10s, when: { ticket.status: open }, notify: [ { on_call: duty } ] }\n"
    "    repeat: { times: 2, after: 8s }\n"
    "    acknowledged: { when: { ticket.status: pending }, for: 15s }\n";
constexpr auto rules_on_routing =
    "  - id: routes\n"
    "    on: [ticket.created, ticket.updated]\n"
    "    when: { ticket.status: [new, open], ticket.assignee: { exists: false } }\n"
    "    then: [ { route: true } ]\n"
    "  - id: brings-up\n"
    "    on: [ticket.created, ticket.updated]\n"
    "    when: { ticket.priority: { changed_to: urgent } }\n"
    "    then: [ { escalate: chain } ]\n"
    "  - id: brought-up\n"
    "    on: [escalation.stepped, escalation.exhausted]\n"
    "    when: { escalations.chain.round: { gte: 2 } }\n"
    "    then: [ { add_tags: [brought_up] } ]\n";

/// Tags that come and go with what the histories write.
constexpr auto tags_of_texts =
    "add:\n"
    "  - { tag: b, fields: ticket.subject, any: { word: fine } }\n"
    "set:\n"
    "  state:\n"
    "    entries:\n"
    "      - { tag: waits, fields: ticket.status, any: { word: [pending, on_hold] } }\n"
    "      - { tag: goes-on, fields: ticket.status, any: { word: [new, open] } }\n"
    "      - { tag: is-broken, fields: ticket.subject, any: { contains: broken } }\n";

std::shared_ptr<const Tenant> tenant_of_all_kinds(const std::string& rules) {
    return tenant_of(
        {{"tenant.yaml", "name: acme\n"},
         {"connections.yaml", sandbox_connections},
         {"calendars.yaml", calendars},
         {"sla.yaml", service_levels},
         {"tagging.yaml", tags_of_texts},
         {"scoring.yaml", scores},
         {"routing.yaml", routing},
         {"rules.yaml", "rules:\n" + rules + rule_on_levels + rule_on_scores + rules_on_routing}});
}

/// One thing that happens. What it is about is drawn when it happens, from `draw`, so that leaving others out
/// leaves it possible.
struct Op {
    enum class Kind { submit, turns, deliver, command, restart, other_rules };
    Kind kind = Kind::submit;
    std::vector<Event> events;
    std::size_t count = 0;
    std::uint32_t draw = 0;
};

Event ticket_event(Random& random, const std::string& id) {
    static const std::vector<std::string> statuses{"open", "solved", "pending", "new"};
    static const std::vector<std::string> emails{"a@x.org", "B@x.org ", "c@x.org"};
    static const std::vector<std::string> types{"ticket.updated", "ticket.updated", "ticket.updated",
                                                "ticket.created"};
    const auto subject = std::string("ticket/") + (random.chance(70) ? "zendesk:" : "") +
                         std::to_string(random.below(random.chance(70) ? 4 : 30));
    Json fields{{"status", random.of(statuses)}};
    if (random.chance(60)) fields["requester"] = {{"email", random.of(emails)}};
    if (random.chance(25)) fields["priority"] = random.chance(50) ? "urgent" : "low";
    if (random.chance(6)) fields["subject"] = random.chance(50) ? "broken" : "fine";
    if (random.chance(10)) fields["custom"] = {{"big", 9'007'199'254'740'993}, {"half", 2.5}, {"one", 1.0}};
    if (random.chance(10)) fields["tags"] = Json::array({"b", "a"});
    // Of an entity that is not known yet this leaves nothing.
    if (random.chance(12)) fields = Json{{"status", nullptr}, {"priority", nullptr}};
    Json data{{"ticket", std::move(fields)}};
    if (random.chance(25))
        data["contact"] = {{"id", std::to_string(random.below(3))},
                           {"email", random.of(emails)},
                           {"name", "n" + std::to_string(random.below(2))},
                           {"custom", {{"vip", random.chance(50)}}}};
    // Some come late, and some say no time at all.
    const auto seconds = random.below(40);
    const auto time = random.chance(70) ? "2026-03-02T11:00:" + std::string(seconds < 10 ? "0" : "") +
                                              std::to_string(seconds) + "Z"
                                        : std::string();
    auto made = event(id, random.of(types), subject, data, time);
    if (random.chance(4)) {
        made.type = "ticket.deleted";
        if (random.chance(50)) made.data = Json::object();
    }
    if (random.chance(4)) made.full_merge = true;
    return made;
}

Event any_event(Random& random, std::size_t number) {
    // Some ids come twice, with the same content or another.
    const auto id = "e" + std::to_string(number > 0 && random.chance(8) ? number - 1 : number);
    if (random.chance(20))
        return event(id, "contact.updated", "contact/zendesk:" + std::to_string(random.below(3)),
                     Json{{"contact",
                           {{"email", random.chance(50) ? "a@x.org" : "c@x.org"},
                            {"name", "m" + std::to_string(random.below(3))}}}});
    return ticket_event(random, id);
}

std::vector<Op> stream_of(std::uint32_t seed, std::size_t length) {
    Random random(seed);
    std::vector<Op> ops;
    std::size_t number = 0;
    while (ops.size() < length) {
        Op op;
        op.draw = static_cast<std::uint32_t>(random.below(1u << 30));
        op.count = random.below(4);
        const auto dice = random.below(100);
        op.kind = dice < 45   ? Op::Kind::submit
                  : dice < 60 ? Op::Kind::turns
                  : dice < 82 ? Op::Kind::deliver
                  : dice < 93 ? Op::Kind::command
                  : dice < 98 ? Op::Kind::restart
                              : Op::Kind::other_rules;
        if (op.kind == Op::Kind::submit)
            for (auto n = random.below(6) + 1; n > 0; --n) op.events.push_back(any_event(random, number++));
        ops.push_back(std::move(op));
    }
    return ops;
}

/// A store, a worker, and a clock.
class Runner {
public:
    explicit Runner(std::function<std::unique_ptr<Store>()> open) : open_(std::move(open)) {
        tenants_ = {tenant_of_all_kinds(rules_of_all_kinds),
                    tenant_of_all_kinds(std::string(rules_of_all_kinds) + one_rule_more)};
        store_ = open_();
        ENSURE(store_->own());
        start();
    }

    void run(const Op& op) {
        now_ += std::chrono::milliseconds(op.draw % 5'000);
        switch (op.kind) {
            case Op::Kind::submit:
                worker_->submit(op.events, [](std::vector<Ack>) {});
                turns(op.count + 1);
                break;
            case Op::Kind::turns:
                turns(op.count * 5);
                break;
            case Op::Kind::deliver:
                deliver(op);
                break;
            case Op::Kind::command:
                command(op);
                break;
            case Op::Kind::restart:
                restart();
                break;
            case Op::Kind::other_rules:
                active_ = 1 - active_;
                start();
                break;
        }
    }

    Store& store() { return *store_; }
    const TenantName& tenant() const { return tenants_[0]->name; }
    void stop() { worker_.reset(); }
    void close() { store_.reset(); }

private:
    void start() {
        worker_.reset();
        const auto& tenant = tenants_[static_cast<std::size_t>(active_)];
        ENSURE(activate(*store_, *tenant, {}, now_));
        WorkerOptions options;
        // Few at a time, so that a restart finds something that waits.
        options.batch_events_max = 3;
        options.timers_memory_max = 4;
        options.swept_entities_max = 2;
        worker_ = std::make_unique<Worker>(*store_, Tenants{{tenant->name, tenant}}, options);
        ENSURE(worker_->start(now_));
        ENSURE(worker_->begin_schedules(tenant->name, now_));
    }

    void restart() {
        worker_.reset();
        store_.reset();
        store_ = open_();
        ENSURE(store_->own());
        start();
    }

    void turns(std::size_t count) {
        for (; count > 0 && (worker_->has_work() || worker_->has_timers(now_)); --count) worker_->turn(now_);
    }

    Attempt attempt_of(const Delivery& delivery, std::uint32_t draw) const {
        const auto digest =
            sha256({delivery.key.text(), std::to_string(delivery.attempts), std::to_string(draw % 7)});
        Attempt attempt;
        attempt.answered = true;
        attempt.status = 200;
        if (digest[0] < 150) {
            attempt.result =
                Json{{"ts", std::to_string(digest[1])}, {"id", 9'007'199'254'740'993 + digest[2]}};
            return attempt;
        }
        attempt.kind = digest[0] < 220 ? Attempt::Kind::retry : Attempt::Kind::failed;
        attempt.status = digest[0] < 220 ? 503 : 400;
        attempt.reason = "no";
        return attempt;
    }

    void deliver(const Op& op) {
        now_ += std::chrono::seconds(op.draw % 90);
        auto due = worker_->take_due(now_, 1 + op.draw % 12);
        std::sort(due.begin(), due.end(), [](const auto& left, const auto& right) {
            return std::tie(left.partition, left.number) < std::tie(right.partition, right.number);
        });
        for (const auto& one : due) worker_->settled(one.partition, one.number, attempt_of(one, op.draw));
        turns(op.count);
    }

    void command(const Op& op) {
        Request request;
        request.tenant = tenant();
        request.actor = "operator:test";
        auto letters = store_->dead_letters(tenant(), 1'000);
        auto lanes = store_->blocked_lanes(tenant());
        ENSURE(letters && lanes);
        const bool about_lanes = !lanes->empty() && (letters->empty() || op.draw % 2 == 0);
        if (about_lanes) {
            request.command = "lanes.release";
            request.arguments = Json{{"subject", (*lanes)[op.draw % lanes->size()].subject.text()},
                                     {"mode", op.draw % 3 == 0 ? "discard" : "retry"}};
        } else if (!letters->empty()) {
            request.command = op.draw % 3 == 0 ? "dead-letters.discard" : "dead-letters.retry";
            request.arguments = Json{{"key", (*letters)[op.draw % letters->size()].delivery.key.text()}};
        } else {
            return;
        }
        worker_->command(std::move(request), [](Result<Json>) {});
        turns(op.count + 1);
    }

    std::function<std::unique_ptr<Store>()> open_;
    std::vector<std::shared_ptr<const Tenant>> tenants_;
    std::unique_ptr<Store> store_;
    std::unique_ptr<Worker> worker_;
    Instant now_ = noon;
    int active_ = 0;
};

/// What a rebuild finds otherwise than it is; empty when nothing.
std::string differences(Store& store, const TenantName& tenant, std::size_t in_memory) {
    std::string text;
    RebuildOptions options;
    options.entities_in_memory_max = in_memory;
    options.on_difference = [&](const Difference& one) {
        text += one.what + " " + one.name + " " + one.detail + "\n";
    };
    options.on_lost = [&](const std::string& subject, const Error& why) {
        text += "lost " + subject + ": " + why.message + "\n";
    };
    const auto report = rebuild(store, tenant, options);
    if (!report) return "rebuild: " + report.error().message;
    return text;
}

std::string decided_otherwise(Store& store, const TenantName& tenant, std::size_t in_memory) {
    std::string text;
    ReexecuteOptions options;
    options.entities_in_memory_max = in_memory;
    options.on_finding = [&](const Redecided& one) {
        text += one.stream + "#" + std::to_string(one.seq) + " " + one.event + ": " + one.what + "\n";
    };
    const auto report = reexecute(store, tenant, options);
    if (!report) return "reexecute: " + report.error().message;
    if (report->skipped > 0) text += "skipped " + std::to_string(report->skipped) + "\n";
    return text;
}

template <class Value>
Value need(Result<Value> result) {
    if (!result) throw std::runtime_error(result.error().message);
    return *std::move(result);
}

/// The journal but for salts and hashes, and all projections.
std::string everything(Store& store, const TenantName& tenant) {
    std::string text;
    for (const auto& head : need(store.streams(tenant)))
        (void)store.scan(tenant, head.stream, 0, [&](const JournalRecord& row) {
            text += head.stream + "#" + std::to_string(row.seq) + " " + to_text(row.time) + " " + row.kind +
                    " " + row.subject + " " + std::to_string(row.entity_version) + " " +
                    row.body.value_or("") + "\n";
            return true;
        });
    for (const auto& entity : need(store.entities(tenant, "", "", 100'000)))
        if (entity.known())
            text += entity.subject.text() + " " + std::to_string(entity.version) + " " +
                    entity.fields.dump() + meta_to_json(entity).dump() + "\n";
    const auto add_delivery = [&](const Delivery& one) {
        text += std::to_string(one.partition) + "/" + std::to_string(one.number) + " " +
                stored_delivery(one) + std::to_string(one.attempts) + to_text(one.created) +
                to_text(one.next_attempt) + "\n";
    };
    for (int partition = 0; partition < store.info().partitions; ++partition) {
        for (const auto& one : need(store.pending(partition, 0, 100'000)))
            text += "pending " + std::to_string(one.place) + " " + one.kind + " " +
                    envelope_of(one.event).dump() + one.context.dump() + std::to_string(one.event_seq) + "\n";
        for (const auto& one : need(store.outbox(partition, 0, 100'000))) add_delivery(one);
        const auto counters = need(store.counters(partition));
        text += std::to_string(counters.first) + " " + std::to_string(counters.second) + "\n";
    }
    text += "outbox " + std::to_string(need(store.outbox_size())) + "\n";
    for (const auto& one : need(store.dead_letters(tenant, 100'000))) {
        text += "dead " + one.reason + std::to_string(one.status) + to_text(one.since) + " ";
        add_delivery(one.delivery);
    }
    for (const auto& one : need(store.all_continuations(tenant, "", 100'000)))
        text += one.id + to_json(one.continuation).dump() + one.context.dump() + "\n";
    for (const auto& one : need(store.timers(tenant, 100'000)))
        text +=
            "timer " + one.subject.text() + " " + one.name + " " + to_text(one.due) + one.body.dump() + "\n";
    for (const auto& one : need(store.blocked_lanes(tenant)))
        text += one.subject.text() + " blocked " + one.reason + to_text(one.since) + " " +
                std::to_string(one.waiting) + "\n";
    return text;
}

std::string first_line_that_differs(const std::string& left, const std::string& right) {
    std::size_t same = 0;
    while (same < left.size() && same < right.size() && left[same] == right[same]) ++same;
    const auto begin = same == 0 ? 0 : left.rfind('\n', same - 1) + 1;
    return left.substr(begin, 600) + "\n  and\n" + right.substr(begin, 600);
}

struct SqliteFile {
    testing_folder::Folder folder;
    std::unique_ptr<Store> open() const { return need(open_sqlite(folder.file("store.db"))); }
};

/// Runs the stream, comparing now and then; what is wrong, empty when nothing is.
std::string wrong_in(const std::vector<Op>& ops, std::uint32_t seed, Runner& runner) {
    Random random(seed);
    for (std::size_t i = 0; i <= ops.size(); ++i) {
        if (i < ops.size()) runner.run(ops[i]);
        if (i < ops.size() && !random.chance(5)) continue;
        const std::size_t in_memory = random.chance(50) ? 2 : 1'000;
        auto wrong = differences(runner.store(), runner.tenant(), in_memory);
        if (wrong.empty()) wrong = decided_otherwise(runner.store(), runner.tenant(), in_memory);
        if (!wrong.empty()) return "after " + std::to_string(i + 1) + " steps:\n" + wrong;
    }
    return {};
}

std::string wrong_on_sqlite(const std::vector<Op>& ops, std::uint32_t seed) {
    SqliteFile file;
    Runner runner([&] { return file.open(); });
    return wrong_in(ops, seed, runner);
}

std::string text_of(const Op& op) {
    static const char* names[] = {"submit", "turns", "deliver", "command", "restart", "other rules"};
    std::string text = names[static_cast<int>(op.kind)];
    text += " count " + std::to_string(op.count) + " draw " + std::to_string(op.draw);
    for (const auto& event : op.events) text += "\n    " + envelope_of(event).dump();
    return text;
}

/// Leaves out what the fault does not need.
std::vector<Op> shrunk(std::vector<Op> ops, const std::function<bool(const std::vector<Op>&)>& fails) {
    int tries = 150;
    for (std::size_t size = ops.size() / 2; size > 0; size /= 2)
        for (std::size_t from = 0; from < ops.size() && tries > 0;) {
            auto fewer = ops;
            const auto first = fewer.begin() + static_cast<std::ptrdiff_t>(from);
            fewer.erase(first, first + static_cast<std::ptrdiff_t>(std::min(size, ops.size() - from)));
            --tries;
            if (fails(fewer))
                ops = std::move(fewer);
            else
                from += size;
        }
    return ops;
}

std::string told(const std::vector<Op>& ops, std::uint32_t seed) {
    const auto few =
        shrunk(ops, [&](const std::vector<Op>& fewer) { return !wrong_on_sqlite(fewer, seed).empty(); });
    std::string text = wrong_on_sqlite(few, seed) + "\nby\n";
    for (const auto& op : few) text += "  " + text_of(op) + "\n";
    return text;
}

std::size_t rounds() {
    const char* given = std::getenv("SIGNALBOX_REBUILD_ROUNDS");
    return given == nullptr ? 6 : std::strtoul(given, nullptr, 10);
}

}  // namespace

TEST_CASE("rebuild: random streams leave what the journal says, on every backend the same", "[rebuild]") {
    const auto seed = testing_random::seed_or(20270101);
    for (std::uint32_t round = 0; round < rounds(); ++round) {
        INFO("SIGNALBOX_TEST_SEED=" << seed << " (SIGNALBOX_REBUILD_ROUNDS), round " << round);
        const auto ops = stream_of(seed + round, 160);
        SqliteFile file;
        Runner on_sqlite([&] { return file.open(); });
        if (const auto wrong = wrong_in(ops, seed, on_sqlite); !wrong.empty())
            FAIL(wrong << "\nshortened:\n" << told(ops, seed));
        if (!store_tests::has_postgres()) continue;
        testing_folder::Folder folder;
        {
            Runner on_postgres([&] { return need(open_postgres(store_tests::database_of(folder))); });
            const auto wrong = wrong_in(ops, seed, on_postgres);
            CHECK(wrong == "");
            const auto left = everything(on_sqlite.store(), on_sqlite.tenant());
            const auto right = everything(on_postgres.store(), on_postgres.tenant());
            if (left != right) FAIL(first_line_that_differs(left, right));
        }
        store_tests::drop_database(folder);
    }
}

namespace {

/// Makes rows of every projection wrong, as a fault of the disk or of a person would.
void spoil(Store& store, const TenantName& tenant) {
    Step step;
    step.tenant = tenant;
    Amendment amendment;
    amendment.tenant = tenant;
    auto entities = need(store.entities(tenant, "", "", 100));
    REQUIRE(entities.size() > 3);
    entities[0].version += 5;
    entities[1].fields["status"] = "invented";
    entities[2].version = 0;
    Entity unheard_of;
    unheard_of.tenant = tenant;
    unheard_of.subject = *Subject::parse("ticket/unheard-of");
    unheard_of.version = 1;
    amendment.entities = {entities[0], entities[1], entities[2], unheard_of};
    for (int partition = 0; partition < store.info().partitions; ++partition) {
        for (const auto& one : need(store.outbox(partition, 0, 1)))
            step.outbox_removed.emplace_back(partition, one.number);
        for (auto one : need(store.pending(partition, 0, 1))) {
            step.pending_removed.emplace_back(partition, one.place);
            one.event.data["invented"] = true;
            step.pending_added.push_back(one);
        }
    }
    for (const auto& one : need(store.dead_letters(tenant, 2)))
        step.dead_letters_removed.emplace_back(one.delivery.partition, one.delivery.number);
    for (const auto& one : need(store.all_continuations(tenant, "", 1)))
        step.continuations_removed.push_back(one);
    for (const auto& one : need(store.blocked_lanes(tenant))) step.lanes_released.push_back(one);
    REQUIRE(store.amend(amendment));
    REQUIRE(store.commit(std::span(&step, 1)));
}

Result<RebuildReport> replace(Store& store, const TenantName& tenant, std::size_t changes_per_commit) {
    RebuildOptions options;
    options.replace = true;
    options.now = noon;
    options.actor = "operator:test";
    options.changes_per_commit = changes_per_commit;
    return rebuild(store, tenant, options);
}

std::string projections_of(Store& store, const TenantName& tenant) {
    std::string text;
    auto all = everything(store, tenant);
    // The acts of a rebuild are rows of the control stream.
    for (std::size_t begin = 0; begin < all.size();) {
        const auto end = all.find('\n', begin);
        const auto line = all.substr(begin, end - begin + 1);
        if (!line.starts_with("control#")) text += line;
        begin = end + 1;
    }
    return text;
}

}  // namespace

TEST_CASE("rebuild: what was spoilt is found, and replaced by what it was", "[rebuild]") {
    std::vector<std::pair<std::string, std::function<std::unique_ptr<Store>()>>> backends;
    SqliteFile file;
    testing_folder::Folder folder;
    backends.emplace_back("SQLite", [&] { return file.open(); });
    if (store_tests::has_postgres())
        backends.emplace_back("PostgreSQL",
                              [&] { return need(open_postgres(store_tests::database_of(folder))); });
    const auto seed = testing_random::seed_or(20270101);
    for (const auto& [name, open] : backends) {
        INFO(name << ", SIGNALBOX_TEST_SEED=" << seed);
        Runner runner(open);
        for (const auto& op : stream_of(seed, 160)) runner.run(op);
        runner.stop();
        auto& store = runner.store();
        const auto before = projections_of(store, runner.tenant());
        spoil(store, runner.tenant());
        REQUIRE(projections_of(store, runner.tenant()) != before);
        const auto found = differences(store, runner.tenant(), 1'000);
        CHECK(found.find("entity ticket/unheard-of") != std::string::npos);
        CHECK(found.find("invented") != std::string::npos);
        CHECK(found.find("delivery ") != std::string::npos);
        const auto report = replace(store, runner.tenant(), 3);
        REQUIRE(report);
        CHECK(report->differences > 5);
        if (const auto after = projections_of(store, runner.tenant()); after != before)
            FAIL(first_line_that_differs(after, before));
        CHECK(differences(store, runner.tenant(), 1'000) == "");
        const auto again = replace(store, runner.tenant(), 500);
        REQUIRE(again);
        CHECK(again->differences == 0);
        const auto chain = verify(store, runner.tenant());
        REQUIRE(chain);
        CHECK(chain->faults.empty());
    }
    if (store_tests::has_postgres()) store_tests::drop_database(folder);
}

TEST_CASE("rebuild: one that was stopped is noticed, and done again is finished", "[rebuild]") {
    SqliteFile file;
    const auto seed = testing_random::seed_or(20270101);
    Runner runner([&] { return file.open(); });
    for (const auto& op : stream_of(seed, 160)) runner.run(op);
    runner.stop();
    const auto tenant = runner.tenant();
    const auto before = projections_of(runner.store(), tenant);
    spoil(runner.store(), tenant);
    runner.close();

    {
        GatedStore store(file.open());
        REQUIRE(store.own());
        int commits = 0;
        store.before_commit = [&](std::span<const Step>) {
            return ++commits > 3 ? Result<void>(unavailable("the disk is full")) : Result<void>();
        };
        const auto stopped = replace(store, tenant, 2);
        REQUIRE_FALSE(stopped);
        CHECK(stopped.error().message == "the disk is full");
    }
    const auto store = file.open();
    REQUIRE(store->own());
    const auto unfinished = is_rebuild_unfinished(*store, tenant);
    REQUIRE(unfinished);
    CHECK(*unfinished);
    CHECK(differences(*store, tenant, 1'000).find("begun and not finished") != std::string::npos);
    const auto rules = tenant_of_all_kinds(rules_of_all_kinds);
    Worker worker(*store, Tenants{{tenant, rules}}, WorkerOptions());
    const auto started = worker.start(noon);
    REQUIRE_FALSE(started);
    CHECK(started.error().message.find("signalbox rebuild --replace --tenant acme") != std::string::npos);

    REQUIRE(replace(*store, tenant, 2));
    if (const auto after = projections_of(*store, tenant); after != before)
        FAIL(first_line_that_differs(after, before));
    CHECK(differences(*store, tenant, 1'000) == "");
    CHECK(Worker(*store, Tenants{{tenant, rules}}, WorkerOptions()).start(noon));
}

TEST_CASE("rebuild: a decision that was made otherwise, and a rule set that is gone, are named",
          "[rebuild]") {
    SqliteFile file;
    auto store = file.open();
    REQUIRE(store->own());
    const auto tenant = tenant_with(rules_of_all_kinds);  // no scores: they change with each event
    REQUIRE(activate(*store, *tenant, {}, noon));
    {
        Worker worker(*store, Tenants{{tenant->name, tenant}}, WorkerOptions());
        REQUIRE(worker.start(noon));
        worker.submit({event("e1", "ticket.updated", "ticket/1", Json{{"ticket", {{"status", "open"}}}})},
                      [](std::vector<Ack>) {});
        while (worker.has_work() && worker.turn(noon)) {
        }
    }
    // As a rule engine with a fault, or a version of it that thinks otherwise, would have written it.
    const auto streams = need(store->streams(tenant->name));
    const auto stream = streams.back().stream;
    const auto was = need(store->record(tenant->name, stream, 1));
    const auto decided = need(store->record(tenant->name, stream, 2));
    auto envelope = *parse_json(*was->body);
    auto decision = *parse_json(*decided->body);
    const auto add = [&](const std::string& id, const std::string& ruleset, const Json& fired) {
        envelope["id"] = id;
        decision["event"]["id"] = id;
        decision["ruleset"] = ruleset;
        decision["merged"] = Json::array();
        decision["fired"] = fired;
        Step step;
        step.tenant = tenant->name;
        step.time = noon;
        NewRecord row;
        row.stream = stream;
        row.subject = "ticket/1";
        row.actor = "engine";
        row.kind = record_kind::event;
        row.cause_event = id;
        row.body = canonical_json(envelope);
        step.records.push_back(row);
        row.kind = record_kind::decision;
        row.entity_version = 1;
        row.ruleset = ruleset;
        row.body = canonical_json(decision);
        step.records.push_back(row);
        REQUIRE(store->commit(std::span(&step, 1)));
    };
    CHECK(decided_otherwise(*store, tenant->name, 10) == "");
    add("e2", tenant->rule_set->version, Json::array({"invented"}));
    const auto found = decided_otherwise(*store, tenant->name, 10);
    CHECK(found == stream + "#4 e2: fired[0] is \"invented\" in the journal, and is now \"remind-later\"\n");
    add("e3", "sha256:gone", Json::array());
    const auto gone = decided_otherwise(*store, tenant->name, 10);
    CHECK(gone.find(stream + "#6 e3: the store has no rule set sha256:gone") != std::string::npos);
}

}  // namespace rebuild_test
