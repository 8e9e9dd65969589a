#pragma once
/// Texts as they have to stand in something else, for templates and scripts alike.

#include <string>
#include <string_view>

namespace rules {

/// Percent-encoded, as in the query of a URL (RFC 3986, 2.3: all but the unreserved characters).
std::string url_encoded(std::string_view text);
/// `&`, `<` and `>` as Slack wants them, so that nobody's words become a link or a mention
/// (https://api.slack.com/reference/surfaces/formatting#escaping).
std::string slack_escaped(std::string_view text);

}  // namespace rules
