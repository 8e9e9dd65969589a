#pragma once
/// Pages of a list: how many, from where on, and the link to the next one.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/http/message.h"
#include "engine/http/query.h"

namespace engine::http {

/// What a caller wants of a list.
struct PageRequest {
    std::string path;  ///< of the list
    Query query;
    std::string after;  ///< the cursor; empty = from the start
    std::size_t limit = 0;
};
/// Fails with invalid_input on parameters that cannot be read.
Result<PageRequest> page_request(const RequestHead& head);

/// The body, with `next` and a Link header when there is more after `next_cursor`.
Response page_response(PageRequest page, Json body, const std::string& next_cursor);

/// One element of a list that is held whole; `order` is unique and sorts it.
struct ListItem {
    std::string order;
    Json json;
};
/// Texts that sort as the numbers do, none of which is negative or longer than an instant's.
std::string sortable(std::int64_t number);
/// `{"<name>": […]}`: sorts, skips what the cursor has seen, cuts to the limit. A list of list_items_max or
/// more is said to be `truncated`: there may be more than anybody reads page by page.
Response list_response(PageRequest page, const std::string& name, std::vector<ListItem> items);

/// The most of a list that is held in memory for one answer.
inline constexpr std::size_t list_items_max = 10'000;

}  // namespace engine::http
