#pragma once
/// RawJournal: the tables of a journal behind the store's back, past everything that protects them.

#include <memory>
#include <string>
#include <vector>

#include "tests/conformance/store/support.h"

namespace store_tests {

struct RowPlace {
    engine::TenantName tenant;
    std::string stream;
    std::uint64_t seq = 0;
};

/// What the statements of the two databases differ in. Failed statements fail the test.
class RawJournal {
public:
    virtual ~RawJournal() = default;
    /// The number of rows changed.
    virtual std::uint64_t run(const std::string& sql) = 0;
    virtual std::string text(const std::string& sql) = 0;

    virtual std::string schema() const = 0;  ///< in front of a table's name
    virtual std::string blob(std::string_view bytes) const = 0;
    /// SQL that selects a row of the journal.
    virtual std::string row(const RowPlace& place) = 0;
    /// Sets the row's `seq`.
    virtual std::string seq_set_to(const RowPlace& place) = 0;
    /// Sets a column (kind, rule or rule set) to another value than it has.
    virtual std::string other_word(const std::string& column) const = 0;

    std::string stream_row(const RowPlace& place);
    void save();
    /// Puts back what `save` saw.
    void restore();
};

/// For the store that `open` of the backend opens in the folder.
std::unique_ptr<RawJournal> raw_journal(const Backend& backend, const Folder& folder);

}  // namespace store_tests
