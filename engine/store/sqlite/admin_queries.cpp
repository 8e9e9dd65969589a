// Rule sets, API keys, and commands left for the owner.

#include "engine/store/codec.h"
#include "engine/store/sqlite/backend.h"
#include "sqlite/sql.inc"

namespace engine {
namespace {

std::optional<std::int64_t> integer_or_none(const Rows& rows, int column) {
    if (rows.is_null(column)) return std::nullopt;
    return rows.integer(column);
}

Result<Request> read_request(const Rows& rows) {
    std::optional<std::string_view> answer;
    if (!rows.is_null(6)) answer = rows.text(6);
    return request_from(
        {rows.count(0), rows.text(1), rows.text(2), rows.text(3), rows.text(4), rows.integer(5), answer});
}

}  // namespace

Result<void> SqliteStore::put_rule_set(const TenantName& tenant, std::string_view version,
                                       const Json& files) {
    return in_transaction([&]() -> Result<void> {
        const auto number = tenants_.number_of(tenant.text());
        if (!number) return number.error();
        return only_error(database_->run(sql::put_rule_set, *number, version, stored_text(files)));
    });
}

Result<std::optional<Json>> SqliteStore::rule_set(const TenantName& tenant, std::string_view version) {
    const auto number = tenants_.find(tenant.text());
    if (!number) return number.error();
    auto rows = database_->query(sql::find_rule_set, *number, version);
    if (!rows) return rows.error();
    const auto found = rows->next();
    if (!found) return found.error();
    if (!*found) return std::optional<Json>();
    auto files = parse_stored(rows->text(0), "rule set");
    if (!files) return files.error();
    return std::optional<Json>(*std::move(files));
}

Result<ApiKey> SqliteStore::key_from(const Rows& rows) {
    auto tenant = tenant_of(rows.integer(1));
    if (!tenant) return tenant.error();
    return engine::key_from({rows.text(0), *std::move(tenant), std::string(rows.text(2)), rows.text(3),
                             rows.text(4), rows.integer(5), integer_or_none(rows, 6),
                             integer_or_none(rows, 7)});
}

Result<std::optional<ApiKey>> SqliteStore::key(std::string_view id) {
    auto rows = database_->query(sql::find_key, id);
    if (!rows) return rows.error();
    return first_of<ApiKey>(*std::move(rows), [this](const Rows& row) { return key_from(row); });
}

Result<std::vector<ApiKey>> SqliteStore::keys(const TenantName& tenant) {
    const auto number = tenants_.find(tenant.text());
    if (!number) return number.error();
    auto rows = database_->query(sql::list_keys, *number);
    if (!rows) return rows.error();
    return all_of<ApiKey>(*std::move(rows), [this](const Rows& row) { return key_from(row); });
}

Result<std::uint64_t> SqliteStore::leave(const Request& request) {
    std::uint64_t number = 0;
    const auto left = in_transaction([&]() -> Result<void> {
        auto rows =
            database_->query(sql::add_request, request.tenant.text(), request.command,
                             stored_text(request.arguments), request.actor, microseconds_of(request.made));
        if (!rows) return rows.error();
        if (const auto added = rows->next(); !added) return added.error();
        number = rows->count(0);
        return {};
    });
    if (!left) return left.error();
    return number;
}

Result<std::vector<Request>> SqliteStore::unanswered(std::size_t limit) {
    auto rows = database_->query(sql::list_unanswered, limit);
    if (!rows) return rows.error();
    return all_of<Request>(*std::move(rows), read_request);
}

Result<void> SqliteStore::answer(std::uint64_t number, const Json& answer) {
    return in_transaction([&]() -> Result<void> {
        const auto answered = database_->run(sql::set_answer, number, stored_text(answer));
        if (!answered) return answered.error();
        if (*answered == 0) return not_found("no request " + std::to_string(number) + " waits for an answer");
        return {};
    });
}

Result<std::optional<Request>> SqliteStore::request(std::uint64_t number) {
    auto rows = database_->query(sql::find_request, number);
    if (!rows) return rows.error();
    return first_of<Request>(*std::move(rows), read_request);
}

}  // namespace engine
