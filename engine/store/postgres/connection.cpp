#include "engine/store/postgres/connection.h"

#include <charconv>
#include <cstring>

#include "engine/base/ensure.h"
#include "engine/base/hash.h"
#include "engine/base/text.h"

#if defined(__SANITIZE_ADDRESS__)
// libpqxx 6.4 forgets the server's last answer when it finds the connection lost
// (connection_base::make_result).
extern "C" const char* __lsan_default_suppressions() {
    return "leak:libpqxx";
}
#endif

namespace engine::postgres {
namespace {

std::string milliseconds(Duration duration) {
    return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

/// `ERROR:  what\nDETAIL:  …\nCONTEXT: …` without the word in front and the context, which names our
/// functions.
std::string message_of(const std::string& text) {
    std::string_view rest = text;
    for (const std::string_view word : {"ERROR:  ", "FATAL:  "})
        if (rest.starts_with(word)) rest.remove_prefix(word.size());
    rest = rest.substr(0, rest.find("\nCONTEXT:"));
    while (!rest.empty() && rest.back() == '\n') rest.remove_suffix(1);
    return std::string(rest);
}

}  // namespace

Code code_of_state(std::string_view state) {
    if (state == "SB001" || state == "SB004" || state == "23505") return Code::conflict;
    if (state == "SB002" || state == "SB003" || state == "42501") return Code::denied;
    // A value that the database cannot hold, such as a text that is no UTF-8.
    if (state.starts_with("22")) return Code::invalid_input;
    // Connections, resources, operators and rollbacks for the sake of others: the same call may work later.
    for (const std::string_view passing : {"08", "40", "53", "55", "57", "58"})
        if (state.starts_with(passing)) return Code::unavailable;
    return Code::corrupt;
}

std::string_view Row::text(int column) const {
    const auto field = row_[column];
    return {field.c_str(), field.size()};
}

void Row::bytes(int column, std::string& out) const {
    const auto hex = text(column);
    ENSURE(hex.starts_with("\\x"));
    ENSURE(from_hex(hex.substr(2), out));
}

std::int64_t Rows::integer(std::size_t row, int column) const {
    const auto digits = text(row, column);
    std::int64_t number = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    ENSURE(read.ec == std::errc());
    return number;
}

std::string Rows::bytes(std::size_t row, int column) const {
    std::string out;
    this->row(row).bytes(column, out);
    return out;
}

Connection::Connection(std::unique_ptr<pqxx::connection> connection) : connection_(std::move(connection)) {
    pq::stay_broken(*connection_);
    work_.emplace(*connection_);
}

Result<std::unique_ptr<Connection>> Connection::open(const std::string& url, const SessionLimits& limits) {
    const auto seconds =
        std::max<std::int64_t>(1, std::chrono::duration_cast<std::chrono::seconds>(limits.connect).count());
    const auto separator = url.find('?') == std::string::npos ? "?" : "&";
    const auto full = url + separator + "connect_timeout=" + std::to_string(seconds) +
                      "&application_name=signalbox&client_encoding=UTF8";
    try {
        auto connection =
            std::unique_ptr<Connection>(new Connection(std::make_unique<pqxx::connection>(full)));
        const auto set = connection->run(
            "SET statement_timeout = " + milliseconds(limits.statement) +
            "; SET lock_timeout = " + milliseconds(limits.lock) +
            "; SET idle_in_transaction_session_timeout = " + milliseconds(limits.idle_in_transaction) +
            // A plan made for an empty table stays in use when the table has grown: everything we ask for has
            // its index.
            "; SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off"
            // What has no index costs so much then, by estimate, that it would be compiled each time.
            "; SET jit = off"
            "; SET bytea_output = 'hex'; SET TimeZone = 'UTC'; SET synchronous_commit = on"
            "; SET client_min_messages = warning");
        if (!set) return set.error();
        return connection;
    } catch (const std::exception& problem) {
        return unavailable("the database cannot be reached: " + message_of(problem.what()));
    }
}

template <class Ask>
Result<Rows> Connection::ask(Ask ask) {
    if (broken_) return unavailable("the connection to the database is lost");
    try {
        return Rows(ask());
    } catch (const pqxx::broken_connection& problem) {
        broken_ = true;
        return unavailable("the connection to the database was lost: " + message_of(problem.what()));
    } catch (const pqxx::sql_error& problem) {
        const auto state = pq::state_of(problem);
        const auto code = code_of_state(state);
        // The server ended the session and will not answer again.
        broken_ = state.starts_with("08") || state.starts_with("57P") || state == "25P03" ||
                  !connection_->is_open();
        return Error{code, message_of(problem.what()) + (code == Code::corrupt ? " (" + state + ")" : "")};
    } catch (const pqxx::transaction_rollback& problem) {
        return unavailable(message_of(problem.what()));  // for the sake of another one's
    } catch (const std::exception& problem) {
        broken_ = true;
        return unavailable("the database: " + message_of(problem.what()));
    }
}

Result<Rows> Connection::run(const std::string& statements) {
    return ask([&] { return work_->exec(statements); });
}

Result<Rows> Connection::run(const char* statement, const Values& values) {
    // The address of the constant is its name: it is the same for as long as the program runs.
    const auto name = "s" + std::to_string(reinterpret_cast<std::uintptr_t>(statement));
    if (!prepared_.contains(statement)) {
        const auto made = ask([&] {
            connection_->prepare(name, statement);
            return pqxx::result();
        });
        if (!made) return made.error();
        prepared_.insert(statement);
    }
    return ask([&] { return pq::execute(*work_, name, values.all()); });
}

Result<void> Connection::begin(const std::string& how) {
    if (const auto begun = run(how); !begun) return begun.error();
    in_transaction_ = true;
    return {};
}

Result<void> Connection::commit() {
    in_transaction_ = false;
    const auto done = run("COMMIT");
    if (done) return {};
    if (broken_) return Error{Code::outcome_unknown, "commit in doubt: " + done.error().message};
    return done.error();
}

void Connection::rollback() {
    if (!in_transaction_) return;
    in_transaction_ = false;
    if (!broken_ && !run("ROLLBACK")) broken_ = true;
}

}  // namespace engine::postgres
