#include "engine/http/page.h"

#include <algorithm>

#include "engine/http/problem.h"

namespace engine::http {
namespace {

constexpr std::uint64_t limit_default = 100;
constexpr std::uint64_t limit_max = 1000;

/// The path as sent may hold characters that would end the link early.
std::string link_path(std::string_view path) {
    std::string out;
    for (const char c : path)
        if (c == '<' || c == '>' || c == '"')
            out += percent_encode(std::string_view(&c, 1));
        else
            out += c;
    return out;
}

}  // namespace

Result<PageRequest> page_request(const RequestHead& head) {
    auto query = Query::parse(head.query);
    if (!query) return query.error();
    const auto limit = query->number("limit", limit_default, limit_max);
    if (!limit) return limit.error();
    if (*limit == 0) return invalid("the parameter \"limit\" is at least 1");
    auto after = query->get("after").value_or("");
    return PageRequest{std::string(head.path), *std::move(query), std::move(after), *limit};
}

Response page_response(PageRequest page, Json body, const std::string& next_cursor) {
    if (next_cursor.empty()) return json_response(200, body);
    page.query.set("after", next_cursor);
    body["next"] = next_cursor;
    auto response = json_response(200, body);
    response.headers.emplace_back("Link",
                                  "<" + link_path(page.path) + "?" + page.query.text() + ">; rel=\"next\"");
    return response;
}

std::string sortable(std::int64_t number) {
    const auto digits = std::to_string(number);
    return std::string(digits.size() < 17 ? 17 - digits.size() : 0, '0') + digits;
}

Response list_response(PageRequest page, const std::string& name, std::vector<ListItem> items) {
    std::sort(items.begin(), items.end(), [](const auto& a, const auto& b) { return a.order < b.order; });
    const auto first =
        std::upper_bound(items.begin(), items.end(), page.after,
                         [](const std::string& after, const auto& item) { return after < item.order; });
    const auto count = std::min<std::size_t>(page.limit, static_cast<std::size_t>(items.end() - first));
    const auto last = first + static_cast<std::ptrdiff_t>(count);
    Json body{{name, Json::array()}};
    for (auto item = first; item != last; ++item) body[name].push_back(std::move(item->json));
    if (items.size() >= list_items_max) body["truncated"] = true;
    return page_response(std::move(page), std::move(body), last == items.end() ? "" : (last - 1)->order);
}

}  // namespace engine::http
