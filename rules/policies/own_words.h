#pragma once
/// What the author of a mail wrote: its text without the mails it quotes and without the signature.

#include <string>
#include <string_view>

namespace rules {

/// Left out are lines that begin with `>`; the line that says who wrote what is quoted (`On … wrote:`, in a
/// dozen languages, over up to three lines) and, unless quoted lines with `>` follow it, all that stands
/// behind it; all from `-----Original Message-----`, or from a block of lines such as `From:` `Sent:` `To:`
/// on; all from the line `-- ` on, and the line itself. Takes text, not HTML.
std::string own_words(std::string_view text);

}  // namespace rules
