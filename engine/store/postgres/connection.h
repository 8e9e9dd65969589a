#pragma once
/// Connection: one session with a PostgreSQL server; errors as values, statements prepared when first used.

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/store/postgres/column.h"
#include "engine/store/postgres/pqxx.h"

namespace engine::postgres {

/// One of the rows that a statement gave, for those who read many of its columns. Texts are valid as long as
/// the rows are.
class Row {
public:
    explicit Row(pqxx::row row) : row_(std::move(row)) {}

    bool is_null(int column) const { return row_[column].is_null(); }
    std::string_view text(int column) const;
    /// Of a bytea.
    void bytes(int column, std::string& out) const;

private:
    pqxx::row row_;
};

/// The rows that a statement gave. Texts are valid as long as it is.
class Rows {
public:
    Rows() = default;
    explicit Rows(pqxx::result rows) : rows_(std::move(rows)) {}

    std::size_t size() const { return rows_.size(); }
    bool empty() const { return rows_.empty(); }
    Row row(std::size_t row) const { return Row(rows_[static_cast<pqxx::result::size_type>(row)]); }
    bool is_null(std::size_t row, int column) const { return this->row(row).is_null(column); }
    std::string_view text(std::size_t row, int column) const { return this->row(row).text(column); }
    std::int64_t integer(std::size_t row, int column) const;
    std::uint64_t count(std::size_t row, int column) const {
        return static_cast<std::uint64_t>(integer(row, column));
    }
    bool boolean(std::size_t row, int column) const { return text(row, column) == "t"; }
    /// Of a bytea.
    std::string bytes(std::size_t row, int column) const;

private:
    pqxx::result rows_;
};

/// The largest number that a row can hold.
inline constexpr auto number_max = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

/// The values of a statement, in order.
class Values {
public:
    Values& add(std::int64_t number) { return put(Column::number(number)); }
    /// What no row reaches stands for what is beyond it.
    Values& add(std::uint64_t number) { return add(static_cast<std::int64_t>(std::min(number, number_max))); }
    Values& add(int number) { return add(static_cast<std::int64_t>(number)); }
    Values& add(std::string_view bytes) { return put(bytes); }
    Values& add(Column& column) { return put(column.wire()); }
    const std::vector<pq::Binary>& all() const { return values_; }

private:
    Values& put(std::string_view bytes) {
        values_.push_back(pq::binary(bytes));
        return *this;
    }
    std::vector<pq::Binary> values_;
};

template <class... Each>
Values values(Each&&... each) {
    Values all;
    (all.add(std::forward<Each>(each)), ...);
    return all;
}

/// Stands for no time where a value cannot be null.
inline constexpr auto no_instant = std::numeric_limits<std::int64_t>::min();

struct SessionLimits {
    Duration connect = std::chrono::seconds(5);
    Duration statement = std::chrono::seconds(30);
    Duration lock = std::chrono::seconds(10);
    /// The server ends a transaction whose program has fallen silent.
    Duration idle_in_transaction = std::chrono::seconds(10);
};

/// One thread at a time. Fails with unavailable when the server is away, with what the statement's error
/// means otherwise (`code_of_state`).
class Connection {
public:
    static Result<std::unique_ptr<Connection>> open(const std::string& url, const SessionLimits& limits);

    /// Statements without values, several with semicolons between; the rows are the last one's.
    Result<Rows> run(const std::string& statements);
    /// One of the constants of sql.inc.
    Result<Rows> run(const char* statement, const Values& values);

    bool broken() const { return broken_; }

    Result<void> begin(const std::string& how);
    /// outcome_unknown when the server did not answer.
    Result<void> commit();
    void rollback();

private:
    explicit Connection(std::unique_ptr<pqxx::connection> connection);

    template <class Ask>
    Result<Rows> ask(Ask ask);

    std::unique_ptr<pqxx::connection> connection_;
    std::optional<pqxx::nontransaction> work_;
    std::unordered_set<const char*> prepared_;
    bool broken_ = false;
    bool in_transaction_ = false;
};

/// What an SQLSTATE means for whoever asked; our own are those of schema/sql/postgres.
Code code_of_state(std::string_view state);

}  // namespace engine::postgres
