#pragma once
/// Dictionary: texts that rows name by a small integer, remembered in both directions.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "engine/store/sqlite/database.h"

namespace engine {

class Dictionary {
public:
    struct Statements {
        const char* find;
        const char* add;
        const char* text;
    };
    /// With `empty_is_zero` the empty text is 0 and has no row.
    Dictionary(Database& database, Statements statements, bool empty_is_zero)
        : database_(database), statements_(statements), empty_is_zero_(empty_is_zero) {}

    /// 0 when the text has no number.
    Result<std::int64_t> find(std::string_view text);
    /// Gives the text a number when it has none; inside a transaction.
    Result<std::int64_t> number_of(std::string_view text);
    /// `?<number>` for a number that stands for nothing: no text of ours, so a changed row is noticed. Valid
    /// until `forget`.
    Result<std::string_view> text_of(std::int64_t number);
    /// After a transaction was rolled back: numbers given in it are free again.
    void forget();

private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
    };
    std::int64_t remember(std::string_view text, std::int64_t number);

    Database& database_;
    Statements statements_;
    bool empty_is_zero_;
    std::unordered_map<std::string, std::int64_t, Hash, std::equal_to<>> numbers_;
    std::unordered_map<std::int64_t, std::string> texts_;
};

}  // namespace engine
