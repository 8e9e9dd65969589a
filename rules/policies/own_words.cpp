#include "rules/policies/own_words.h"

#include <algorithm>
#include <vector>

#include "engine/base/ensure.h"
#include "engine/base/text.h"
#include "rules/evaluator/regex.h"

namespace rules {
namespace {

using Lines = std::vector<std::string_view>;

/// Longer ones are no line that a mail program wrote.
constexpr std::size_t attribution_bytes_max = 400;
constexpr std::size_t attribution_lines_max = 3;
/// So many lines of a head are looked at behind its first.
constexpr std::size_t head_lines_max = 6;

Regex pattern(std::string_view text) {
    auto compiled = Regex::compile(text, false);
    ENSURE(compiled);
    return std::move(*compiled);
}

/// How mail programs begin and end the line above what they quote: English, German, French, Spanish, Italian,
/// Portuguese, Dutch, Swedish, Danish, Norwegian, Polish, Czech.
const Regex& attribution() {
    static const Regex compiled = pattern(
        "^(on\\b.*\\bwrote|(am|on)\\b.*\\bschrieb\\b.*|.*\\bschrieb am\\b.*|le\\b.*\\ba écrit|"
        "el\\b.*\\bescribió|il\\b.*\\bha scritto|(em|a|no dia)\\b.*\\bescreveu|op\\b.*\\bschreef\\b.*|"
        "(den|på|kl)\\s.*\\bskrev\\b.*|(w "
        "dniu|dnia)\\b.*\\bnapisał(\\(a\\)|a)?|dne\\b.*\\bnapsal(\\(a\\)|a)?)"
        "[\\s\\x{a0}\\x{202f}]*:$");
    return compiled;
}

/// It says when, or from which address: what a person writes seldom does.
const Regex& dated() {
    static const Regex compiled = pattern("\\b(19|20)\\d\\d\\b|\\b\\d{1,2}[:.h]\\d\\d\\b|@");
    return compiled;
}

const Regex& original_message() {
    static const Regex compiled = pattern(
        "^-{2,}\\s*(original message|original appointment|ursprüngliche nachricht|originalnachricht|"
        "message d'origine|message original|mensaje original|messaggio originale|mensagem original|"
        "oorspronkelijk bericht|ursprungligt meddelande|oprindelig meddelelse|opprinnelig melding|"
        "wiadomość oryginalna|původní zpráva)\\s*-{2,}$");
    return compiled;
}

/// The lines of the head that Outlook puts above what it quotes: its first, the subject, and the others. Who
/// asks for a journey writes From, To and Date, but no subject.
const Regex& head_begin() {
    static const Regex compiled = pattern("^\\*?(from|von|de|da|van|från|fra|od)\\s?:\\*?\\s*\\S");
    return compiled;
}
const Regex& head_subject() {
    static const Regex compiled =
        pattern("^\\*?(subject|betreff|objet|asunto|oggetto|assunto|onderwerp|ämne|emne|temat|předmět)\\s?:");
    return compiled;
}
const Regex& head_other() {
    static const Regex compiled = pattern(
        "^\\*?(sent|date|to|gesendet|datum|an|envoyé|à|enviado( el)?|fecha|para|inviato|data|a|enviada( em)?|"
        "verzonden|aan|skickat|till|sendt|til|wysłano|do|odesláno|komu)\\s?:");
    return compiled;
}

std::string_view trimmed(std::string_view line) {
    constexpr std::string_view blanks = " \t\r\f\v";
    const auto first = line.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return line.substr(first, line.find_last_not_of(blanks) - first + 1);
}

Lines lines_of(std::string_view text) {
    Lines lines;
    while (true) {
        const auto end = text.find('\n');
        lines.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return lines;
        text.remove_prefix(end + 1);
    }
}

bool is_quoted(std::string_view line) {
    return trimmed(line).starts_with('>');
}

/// The mark of RFC 3676; many systems take the blank at its end away.
bool is_signature_mark(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line == "-- " || line == "--";
}

/// How many lines ending with this one say who wrote what follows; 0 when it is no such line.
std::size_t attribution_lines(const Lines& lines, std::size_t last, std::size_t least) {
    if (!trimmed(lines[last]).ends_with(':')) return 0;
    std::string joined;
    for (std::size_t count = 1; count <= attribution_lines_max && last + 1 >= least + count; ++count) {
        const auto line = trimmed(lines[last + 1 - count]);
        if (line.empty() || line.starts_with('>')) return 0;
        joined.insert(0, joined.empty() ? std::string(line) : std::string(line) + " ");
        if (joined.size() > attribution_bytes_max) return 0;
        if (attribution().found_in(joined) && dated().found_in(joined)) return count;
    }
    return 0;
}

bool begins_head(const Lines& lines, std::size_t first) {
    const auto line = trimmed(lines[first]);
    if (line.find(':') > 10 || !head_begin().found_in(line)) return false;
    const auto until = std::min(lines.size(), first + 1 + head_lines_max);
    bool has_subject = false;
    bool has_other = false;
    for (auto i = first + 1; i < until; ++i) {
        const auto next = trimmed(lines[i]);
        has_subject = has_subject || head_subject().found_in(next);
        has_other = has_other || head_other().found_in(next);
    }
    return has_subject && has_other;
}

bool quotes_follow(const Lines& lines, std::size_t from) {
    const auto next = std::find_if(lines.begin() + static_cast<std::ptrdiff_t>(from), lines.end(),
                                   [](std::string_view line) { return !trimmed(line).empty(); });
    return next != lines.end() && is_quoted(*next);
}

bool begins_original(std::string_view line) {
    line = trimmed(line);
    return line.starts_with("--") && line.size() <= attribution_bytes_max &&
           original_message().found_in(line);
}

}  // namespace

std::string own_words(std::string_view text) {
    const auto lines = lines_of(text);
    Lines own;
    std::size_t joinable = 0;  // lines before this one are not of an attribution that ends here
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const auto line = lines[i];
        if (is_signature_mark(line) || begins_original(line) || begins_head(lines, i)) break;
        if (is_quoted(line)) {
            joinable = i + 1;
            continue;
        }
        own.push_back(line);
        const auto said = attribution_lines(lines, i, joinable);
        if (said == 0) continue;
        own.resize(own.size() - said);
        joinable = i + 1;
        if (!quotes_follow(lines, i + 1)) break;
    }
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < own.size(); ++i) out.append(i == 0 ? "" : "\n").append(own[i]);
    return out;
}

}  // namespace rules
