// What doctor asks of a PostgreSQL store: whether the server keeps what it is given, and what protects the
// rows.

#include "engine/store/postgres/backend.h"
#include "postgres/sql.inc"

namespace engine::postgres {
namespace {

using Level = Finding::Level;

Finding finding(bool fine, Level otherwise, std::string check, std::string what, std::string where,
                std::string remedy) {
    return {fine ? Level::ok : otherwise, std::move(check), std::move(what), std::move(where),
            fine ? "" : std::move(remedy)};
}

void judge_settings(const Rows& rows, std::vector<Finding>& found) {
    const std::string fsync(rows.text(0, 0)), pages(rows.text(0, 1)), commit(rows.text(0, 2)),
        checksums(rows.text(0, 3));
    found.push_back(finding(fsync == "on", Level::error, "postgres.fsync", "fsync is " + fsync, "",
                            "set fsync = on: what was committed may be lost"));
    found.push_back(finding(pages == "on", Level::error, "postgres.full_page_writes",
                            "full_page_writes is " + pages, "", "set full_page_writes = on"));
    found.push_back(
        finding(commit != "off" && commit != "local", Level::warning, "postgres.synchronous_commit",
                "synchronous_commit is " + commit, "",
                "our own sessions set it on; set it for the server so that nothing else differs"));
    found.push_back(finding(
        checksums == "on", Level::warning, "postgres.data_checksums", "data_checksums is " + checksums, "",
        "stop the server and run pg_checksums --enable: damage is found when it is read"));
    const auto replicas = rows.count(0, 4);
    found.push_back(finding(replicas == 0, Level::warning, "postgres.replication",
                            std::to_string(replicas) + " replicas are asynchronous", "",
                            "a fail-over to one may lose what was committed last: set "
                            "synchronous_standby_names"));
}

/// One finding a row, or one that all is well.
void judge_rows(const Rows& rows, const Finding& fine, const std::string& prefix, const std::string& remedy,
                std::vector<Finding>& found) {
    if (rows.empty()) found.push_back(fine);
    for (std::size_t row = 0; row < rows.size(); ++row)
        found.push_back(
            {Level::error, fine.check, prefix + std::string(rows.text(row, 0)), fine.where, remedy});
}

void judge_parts(const Rows& rows, std::vector<Finding>& found) {
    const auto parts = rows.count(0, 0);
    const bool in_default = rows.boolean(0, 1), ends_soon = rows.boolean(0, 2);
    const bool divided = parts > 1;
    found.push_back(finding(!divided || !in_default, Level::warning, "postgres.journal_default",
                            divided && in_default ? "rows are in the part for what no other part takes"
                                                  : "the journal has " + std::to_string(parts) + " parts",
                            "signalbox.journal_default", "make the parts ahead, then move these rows"));
    if (divided)
        found.push_back(finding(!ends_soon, Level::warning, "postgres.journal_parts",
                                ends_soon ? "the last part ends within a week" : "there are parts ahead",
                                "signalbox.journal", "make further parts: signalbox migrate up"));
}

}  // namespace

Result<std::vector<Finding>> PostgresStore::examine() {
    if (auto begun = begin_reading(); !begun) return begun.error();
    auto found = examine_server();
    end_reading();
    return found;
}

Result<std::vector<Finding>> PostgresStore::examine_server() {
    std::vector<Finding> found;
    const std::string again =
        "signalbox migrate status says what else differs; restore what the migration made";
    const auto settings = connection_->run(sql::examine_settings, {});
    if (!settings) return settings.error();
    judge_settings(*settings, found);
    const auto role = connection_->run(sql::examine_role, {});
    if (!role) return role.error();
    judge_rows(*role,
               {Level::ok, "postgres.role", "the program's role can add and no more", "signalbox_app", ""},
               "", "give the role only what migration 0001 gives it", found);
    const auto security = connection_->run(sql::examine_row_security, {});
    if (!security) return security.error();
    judge_rows(*security, {Level::ok, "postgres.row_security", "tenants are kept apart", "signalbox", ""},
               "row level security is not forced on ", again, found);
    const auto triggers = connection_->run(sql::examine_triggers, {});
    if (!triggers) return triggers.error();
    judge_rows(*triggers,
               {Level::ok, "postgres.triggers", "the journal refuses changes", "signalbox.journal", ""},
               "a trigger is missing or switched off: ", again, found);
    const auto parts = connection_->run(sql::examine_parts, {});
    if (!parts) return parts.error();
    judge_parts(*parts, found);
    const auto stale = connection_->run(sql::examine_stale_owner, {});
    if (!stale) return stale.error();
    if (!stale->empty())
        found.push_back({Level::warning, "postgres.lease",
                         std::string(stale->text(0, 0)) + " owned the store until " +
                             std::string(stale->text(0, 1)) + " and has fallen silent",
                         "signalbox.owners", "start a daemon: it takes the store over"});
    return found;
}

}  // namespace engine::postgres
