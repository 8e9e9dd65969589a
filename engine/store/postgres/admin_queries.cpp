// Rule sets, API keys, and commands left for the owner.

#include "engine/store/codec.h"
#include "engine/store/postgres/backend.h"
#include "engine/store/postgres/escape.h"
#include "postgres/sql.inc"

namespace engine::postgres {
namespace {

std::optional<std::int64_t> integer_or_none(const Rows& rows, std::size_t row, int column) {
    if (rows.is_null(row, column)) return std::nullopt;
    return rows.integer(row, column);
}

Result<Request> read_request(const Rows& rows, std::size_t row) {
    std::optional<std::string_view> answer;
    if (!rows.is_null(row, 6)) answer = rows.text(row, 6);
    return request_from({rows.count(row, 0), rows.text(row, 1), rows.text(row, 2), rows.text(row, 3),
                         rows.text(row, 4), rows.integer(row, 5), answer});
}

}  // namespace

Result<void> PostgresStore::put_rule_set(const TenantName& tenant, std::string_view version,
                                         const Json& files) {
    auto put = in_transaction([&](Connection& open) -> Result<void> {
        const auto id = tenant_id(tenant);
        if (!id) return id.error();
        const auto done = open.run(sql::put_rule_set, values(*id, version, stored_text(files)));
        return done ? Result<void>() : done.error();
    });
    if (!put) forget_uncommitted();
    return put;
}

Result<std::optional<Json>> PostgresStore::rule_set(const TenantName& tenant, std::string_view version) {
    const auto id = find_tenant(tenant);
    if (!id) return id.error();
    return first_of<Json>(
        ask(*id, sql::find_rule_set, values(*id, version)),
        [](const Rows& rows, std::size_t row) { return parse_stored(rows.text(row, 0), "rule set"); });
}

Result<ApiKey> PostgresStore::key_from(const Rows& rows, std::size_t row) {
    auto tenant = tenant_of(rows.integer(row, 1));
    if (!tenant) return tenant.error();
    return engine::key_from({rows.text(row, 0), *std::move(tenant), unescaped(rows.text(row, 2)),
                             rows.bytes(row, 3), rows.text(row, 4), rows.integer(row, 5),
                             integer_or_none(rows, row, 6), integer_or_none(rows, row, 7)});
}

Result<std::optional<ApiKey>> PostgresStore::key(std::string_view id) {
    return first_of<ApiKey>(ask(all_tenants, sql::find_key, values(id)),
                            [this](const Rows& rows, std::size_t row) { return key_from(rows, row); });
}

Result<std::vector<ApiKey>> PostgresStore::keys(const TenantName& tenant) {
    const auto id = find_tenant(tenant);
    if (!id) return id.error();
    return all_of<ApiKey>(ask(*id, sql::list_keys, values(*id)),
                          [this](const Rows& rows, std::size_t row) { return key_from(rows, row); });
}

Result<std::uint64_t> PostgresStore::leave(const Request& request) {
    std::uint64_t number = 0;
    const auto left = in_transaction([&](Connection& open) -> Result<void> {
        const auto rows = open.run(
            sql::add_request, values(request.tenant.text(), request.command, stored_text(request.arguments),
                                     request.actor, microseconds_of(request.made)));
        if (!rows) return rows.error();
        number = rows->count(0, 0);
        return {};
    });
    if (!left) return left.error();
    return number;
}

Result<std::vector<Request>> PostgresStore::unanswered(std::size_t limit) {
    return all_of<Request>(ask(all_tenants, sql::list_unanswered, values(limit)), read_request);
}

Result<void> PostgresStore::answer(std::uint64_t number, const Json& answer) {
    return in_transaction([&](Connection& open) -> Result<void> {
        const auto answered = open.run(sql::set_answer, values(number, stored_text(answer)));
        if (!answered) return answered.error();
        if (answered->empty())
            return not_found("no request " + std::to_string(number) + " waits for an answer");
        return {};
    });
}

Result<std::optional<Request>> PostgresStore::request(std::uint64_t number) {
    return first_of<Request>(ask(all_tenants, sql::find_request, values(number)), read_request);
}

}  // namespace engine::postgres
