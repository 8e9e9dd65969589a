/// What is on record: decisions, entities, their history, the journal. Answered on the reading thread.

#include <utility>

#include "engine/base/hash.h"
#include "engine/http/handlers.h"
#include "engine/http/page.h"
#include "engine/http/problem.h"
#include "engine/model/journal_record.h"
#include "engine/pipeline/explain.h"
#include "rules/policies/escalation.h"
#include "rules/policies/scoring.h"
#include "rules/policies/sla.h"

namespace engine::http {
namespace {

Response nothing_known(const std::string& what) {
    return to_response(Problem{404, "not-found", "there is no " + what});
}

Json place_of(std::string_view stream, std::uint64_t seq) {
    return {{"stream", stream}, {"seq", seq}};
}

Response pending_answer(const SeenEvent& seen) {
    return json_response(202, Json{{"event", {{"id", seen.key.id.text()}, {"source", seen.key.source}}},
                                   {"status", "pending"},
                                   {"journal", place_of(seen.stream, seen.event_seq)}});
}

Response decision_answer(Store& store, const SeenEvent& seen) {
    if (seen.decision_seq == 0) return pending_answer(seen);
    const auto record = store.record(seen.key.tenant, seen.stream, seen.decision_seq);
    if (!record) return to_response(record.error());
    if (!*record) return to_response(Error{Code::corrupt, "the journal lacks the decision's row"});
    if (!(*record)->body) return to_response(Problem{410, "erased", "the decision's content was erased"});
    auto decision = parse_json(*(*record)->body, stored_json_limits);
    if (!decision) return to_response(Error{Code::corrupt, "the decision's row cannot be read"});
    if (decision->is_object()) (*decision)["journal"] = place_of(seen.stream, seen.decision_seq);
    return json_response(200, *decision);
}

Response ambiguous_answer(const EventId& id, const std::vector<SeenEvent>& seen) {
    Problem problem{409, "ambiguous",
                    "several sources have an event " + id.text() + "; name one with ?source="};
    problem.members["sources"] = Json::array();
    for (const auto& one : seen) problem.members["sources"].push_back(one.key.source);
    return to_response(problem);
}

Response decision_of(Store& store, const TenantName& tenant, const EventId& id,
                     const std::optional<std::string>& source) {
    auto unknown = nothing_known("event " + id.text());
    if (source) {
        auto seen = store.seen({tenant, *source, id});
        if (!seen) return to_response(seen.error());
        return *seen ? decision_answer(store, **seen) : unknown;
    }
    const auto seen = events_of_id(store, tenant, id);
    if (!seen) return to_response(seen.error());
    if (seen->size() > 1) return ambiguous_answer(id, *seen);
    if (seen->empty()) return unknown;
    return decision_answer(store, seen->front());
}

Result<Subject> subject_of(const Visit& visit) {
    return Subject::parse(visit.parameters.at(1) + "/" + visit.parameters.at(2));
}

Response entity_of(Store& store, const Tenant& tenant, Instant now, const Subject& subject) {
    const auto entity = store.entity(tenant.name, subject);
    if (!entity) return to_response(entity.error());
    if (!*entity || !(*entity)->known()) return nothing_known("entity " + subject.text());
    Json json{{"subject", subject.text()},          {"kind", subject.kind()},
              {"connection", subject.connection()}, {"id", subject.id()},
              {"version", (*entity)->version},      {"deleted", (*entity)->deleted},
              {"fields", (*entity)->fields}};
    const auto& sla = (*entity)->sla;
    if (!sla.empty())
        json["sla"] = rules::sla_view(rules::sla_state_from(sla), tenant.rule_set->calendars, now);
    const auto& scores = (*entity)->scores;
    if (!scores.empty()) json["scores"] = rules::score_view(rules::score_memory_from(scores));
    const auto& routing = (*entity)->routing;
    const auto runs = rules::escalation_runs_from(routing.value("escalations", Json()));
    if (!runs.empty()) json["escalations"] = rules::escalation_view(runs);
    const auto place = routing.find("place");
    if (place != routing.end()) json["place"] = *place;
    return json_response(200, std::move(json));
}

/// Every column of the row: what is hashed, and salt, body and hash beside it.
Json json_of(const JournalRecord& record) {
    auto row = parse_json(canonical_row(record), stored_json_limits);
    Json out = row && row->is_object() ? *std::move(row) : Json::object();
    out["salt"] = to_hex(record.salt);
    out["hash"] = to_hex(bytes_of(record.hash));
    out["body"] = nullptr;
    if (!record.body) return out;
    auto body = parse_json(*record.body, stored_json_limits);
    out["body"] = body ? *std::move(body) : Json(*record.body);
    return out;
}

/// Walks the chain of `previous` from one row on.
Result<std::vector<JournalRecord>> rows_back_from(Store& store, const TenantName& tenant,
                                                  const std::string& stream, std::uint64_t seq,
                                                  std::size_t limit) {
    std::vector<JournalRecord> rows;
    while (seq != 0 && rows.size() < limit) {
        auto row = store.record(tenant, stream, seq);
        if (!row) return row.error();
        if (!*row)
            return Error{Code::corrupt, "the journal lacks row " + std::to_string(seq) + " of " + stream};
        seq = (*row)->previous;
        rows.push_back(std::move(**row));
    }
    return rows;
}

Result<std::vector<JournalRecord>> history_rows(Store& store, const TenantName& tenant,
                                                const Subject& subject, std::uint64_t from,
                                                std::size_t limit) {
    if (from == 0) return store.history(tenant, subject, limit);
    const auto stream = partition_stream(partition_of(tenant, subject, store.info().partitions));
    auto rows = rows_back_from(store, tenant, stream, from, limit);
    // A made-up cursor must not show another subject's rows.
    if (rows && !rows->empty() && rows->front().subject != subject.text())
        return invalid("the parameter \"after\" is no cursor of this list");
    return rows;
}

Response history_of(Store& store, const TenantName& tenant, const Subject& subject, std::uint64_t from,
                    PageRequest page) {
    const auto rows = history_rows(store, tenant, subject, from, page.limit);
    if (!rows) return to_response(rows.error());
    if (rows->empty()) return nothing_known("entity " + subject.text());
    Json items = Json::array();
    for (const auto& row : *rows) items.push_back(json_of(row));
    const auto next = rows->back().previous;
    return page_response(std::move(page), Json{{"records", std::move(items)}},
                         next == 0 ? "" : std::to_string(next));
}

Response streams_of(Store& store, const TenantName& tenant) {
    const auto heads = store.streams(tenant);
    if (!heads) return to_response(heads.error());
    Json streams = Json::array();
    for (const auto& head : *heads)
        streams.push_back(
            {{"stream", head.stream}, {"seq", head.seq}, {"hash", to_hex(bytes_of(head.hash))}});
    return json_response(200, Json{{"streams", std::move(streams)}});
}

Response journal_of(Store& store, const TenantName& tenant, const std::string& stream, std::uint64_t after,
                    PageRequest page) {
    Json items = Json::array();
    std::uint64_t last = 0;
    bool more = false;
    const auto scanned = store.scan(tenant, stream, after, [&](const JournalRecord& record) {
        more = items.size() == page.limit;
        if (more) return false;
        items.push_back(json_of(record));
        last = record.seq;
        return true;
    });
    if (!scanned) return to_response(scanned.error());
    return page_response(std::move(page), Json{{"records", std::move(items)}},
                         more ? std::to_string(last) : "");
}

}  // namespace

void get_decision(Context& context, const Request& request, const Visit& visit, Respond respond) {
    const auto query = Query::parse(request.head.query);
    if (!query) return respond(to_response(query.error()));
    ask(context.door, std::move(respond),
        [tenant = visit.tenant->name, id = EventId(visit.parameters.at(1)),
         source = query->get("source")](Store& store) { return decision_of(store, tenant, id, source); });
}

void get_entity(Context& context, const Request&, const Visit& visit, Respond respond) {
    const auto subject = subject_of(visit);
    if (!subject) return respond(to_response(subject.error()));
    ask(context.door, std::move(respond),
        [tenant = visit.tenant, now = context.clock.now(), subject = *subject](Store& store) {
            return entity_of(store, *tenant, now, subject);
        });
}

void get_history(Context& context, const Request& request, const Visit& visit, Respond respond) {
    const auto subject = subject_of(visit);
    if (!subject) return respond(to_response(subject.error()));
    const auto page = page_request(request.head);
    if (!page) return respond(to_response(page.error()));
    const auto from = page->query.number("after", 0, UINT64_MAX);
    if (!from) return respond(to_response(from.error()));
    ask(context.door, std::move(respond),
        [tenant = visit.tenant->name, subject = *subject, from = *from, page = *page](Store& store) {
            return history_of(store, tenant, subject, from, page);
        });
}

void get_journal(Context& context, const Request& request, const Visit& visit, Respond respond) {
    const auto page = page_request(request.head);
    if (!page) return respond(to_response(page.error()));
    const auto after = page->query.number("after", 0, UINT64_MAX);
    if (!after) return respond(to_response(after.error()));
    const auto stream = page->query.get("stream").value_or("");
    ask(context.door, std::move(respond),
        [tenant = visit.tenant->name, stream, after = *after, page = *page](Store& store) {
            return stream.empty() ? streams_of(store, tenant)
                                  : journal_of(store, tenant, stream, after, page);
        });
}

}  // namespace engine::http
