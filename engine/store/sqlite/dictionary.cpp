#include "engine/store/sqlite/dictionary.h"

namespace engine {

Result<std::int64_t> Dictionary::find(std::string_view text) {
    if (text.empty() && empty_is_zero_) return std::int64_t{0};
    if (const auto known = numbers_.find(text); known != numbers_.end()) return known->second;
    auto rows = database_.query(statements_.find, text);
    if (!rows) return rows.error();
    const auto found = rows->next();
    if (!found) return found.error();
    return *found ? remember(text, rows->integer(0)) : std::int64_t{0};
}

Result<std::int64_t> Dictionary::number_of(std::string_view text) {
    auto number = find(text);
    if (!number || *number != 0 || (text.empty() && empty_is_zero_)) return number;
    auto rows = database_.query(statements_.add, text);
    if (!rows) return rows.error();
    const auto added = rows->next();
    if (!added) return added.error();
    return remember(text, rows->integer(0));
}

Result<std::string_view> Dictionary::text_of(std::int64_t number) {
    if (number == 0 && empty_is_zero_) return std::string_view{};
    if (const auto known = texts_.find(number); known != texts_.end()) return std::string_view(known->second);
    auto rows = database_.query(statements_.text, number);
    if (!rows) return rows.error();
    const auto found = rows->next();
    if (!found) return found.error();
    const auto text = *found ? std::string(rows->text(0)) : "?" + std::to_string(number);
    return std::string_view(texts_.emplace(number, text).first->second);
}

void Dictionary::forget() {
    numbers_.clear();
    texts_.clear();
}

std::int64_t Dictionary::remember(std::string_view text, std::int64_t number) {
    numbers_.emplace(text, number);
    texts_.emplace(number, text);
    return number;
}

}  // namespace engine
