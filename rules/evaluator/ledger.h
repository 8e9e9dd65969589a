#pragma once
/// Ledger: what rules wrote in one decision, which of it was overruled, and which changes stand in the end.

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/base/json.h"
#include "engine/model/change.h"
#include "engine/model/decision.h"
#include "rules/rule_set.h"

namespace rules {

/// What one rule wants of one field, or of one tag of a field. Names are borrowed for the ledger's life.
struct Claim {
    enum class On { value, tag };
    On on = On::value;
    std::string_view field;
    std::string_view rule;
    engine::Json value;     ///< of `On::value`
    std::string tag;        ///< of `On::tag`
    bool adds = false;      ///< of `On::tag`: add or remove it
    bool of_tags = false;   ///< the field holds tags: values compare as sets
    bool by_value = false;  ///< a tag claim that follows from setting the whole list
};

class Ledger {
public:
    explicit Ledger(OnConflict on_conflict) : on_conflict_(on_conflict) {}

    enum class Verdict {
        stands,   ///< the write may be made
        refused,  ///< an earlier rule's value stands (on_conflict: first)
        fails,    ///< the decision fails (on_conflict: fail)
    };
    /// Lays claim to all of it or, when a claim is refused, to nothing. Rules whose standing claims differ
    /// are conflicts. A write that changes nothing claims too.
    Verdict claim(std::vector<Claim> claims);

    /// A write that gave the field another value, made by the last `claims` claims.
    void wrote(std::string_view field, std::string_view rule, engine::Json from, engine::Json to,
               std::size_t claims);

    /// Every write since that many were made, overruled ones included, in order.
    std::vector<engine::Change> writes_since(std::size_t count) const;
    std::size_t write_count() const { return writes_.size(); }
    std::string_view field_of_write(std::size_t index) const { return writes_[index].field; }
    const std::vector<engine::Conflict>& conflicts() const { return conflicts_; }

    /// Whether any write was overruled.
    bool is_disputed() const;
    /// The writes without the overruled ones, each starting where the one before it ended.
    std::vector<engine::Change> standing() const;

    struct Mark {
        std::size_t claims = 0;
        std::size_t writes = 0;
        std::size_t conflicts = 0;
    };
    Mark mark() const { return {claims_.size(), writes_.size(), conflicts_.size()}; }
    void undo_to(const Mark& mark);

private:
    static constexpr std::size_t nobody = SIZE_MAX;

    struct Entry {
        Claim claim;
        std::size_t first = 0;              ///< the first claim made together with this one
        std::size_t overruled_by = nobody;  ///< index of the claim that did it
        bool stands() const { return overruled_by == nobody; }
    };
    struct Write {
        std::string_view field;
        std::string_view rule;
        engine::Json from;
        engine::Json to;
        std::size_t first_claim = 0;
        std::size_t last_claim = 0;  ///< one past it
    };
    class Replay;

    std::vector<std::size_t> rivals_of(const Claim& claim) const;
    void record(const Claim& first, const Claim& second, std::string_view kept);
    void overrule(std::size_t rival, std::size_t by);
    void add(Claim claim, std::size_t first);
    std::set<std::string_view> disputed_tags() const;

    OnConflict on_conflict_;
    std::vector<Entry> claims_;
    std::unordered_map<std::string, std::vector<std::size_t>>
        by_slot_;  ///< indices of claims on the same thing
    std::vector<Write> writes_;
    std::vector<engine::Conflict> conflicts_;
};

}  // namespace rules
