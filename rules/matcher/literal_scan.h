#pragma once
/// LiteralScan: which of many texts stand in another, in one pass over it. The home of Hyperscan.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rules {

struct Needle {
    std::string text;          ///< never empty
    bool every_place = false;  ///< all places are told, else at least one
};

/// Immutable; any thread. Where the processor lacks what Hyperscan needs, each text is looked for by itself.
class LiteralScan {
public:
    explicit LiteralScan(std::vector<Needle> literals);
    ~LiteralScan();
    LiteralScan(const LiteralScan&) = delete;
    LiteralScan& operator=(const LiteralScan&) = delete;

    /// Calls `found(number, end)`: where the literal of that number ends in the text.
    template <class Found>
    void find(std::string_view text, Found&& found) const {
        scan(
            text,
            [](void* context, std::uint32_t number, std::size_t end) {
                (*static_cast<std::remove_reference_t<Found>*>(context))(number, end);
            },
            &found);
    }

    std::size_t bytes() const;

private:
    using Told = void (*)(void* context, std::uint32_t number, std::size_t end);
    struct Database;

    void scan(std::string_view text, Told told, void* context) const;
    void look_for(std::uint32_t number, std::string_view text, Told told, void* context) const;

    std::vector<Needle> literals_;
    std::vector<std::uint32_t> apart_;  ///< those that the database does not have
    std::unique_ptr<Database> database_;
};

}  // namespace rules
