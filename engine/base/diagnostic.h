#pragma once
/// What is wrong in a file somebody wrote: the place, the words at it, and the remedy.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace engine {

/// A place in a file; line and column count from 1, 0 = the whole file.
struct Place {
    std::string file;  ///< relative to the tenant's folder
    int line = 0;
    int column = 0;
    friend bool operator==(const Place&, const Place&) = default;
};

enum class Severity { error, warning };

struct Diagnostic {
    Severity severity = Severity::error;
    std::string kind;  ///< the class, such as `unknown-field`; listed in docs/reference/diagnostics.md
    Place place;
    std::string message;  ///< names the offending text and, where there is one, the nearest name
};

/// Collects all problems of a load, so that they are reported at once.
class Diagnostics {
public:
    void error(std::string kind, Place place, std::string message);
    void warning(std::string kind, Place place, std::string message);
    void add(Diagnostic diagnostic) { found_.push_back(std::move(diagnostic)); }

    bool has_errors() const;
    /// In order of file, line, column; what was said twice comes once.
    std::vector<Diagnostic> sorted() const;
    bool empty() const { return found_.empty(); }
    std::size_t size() const { return found_.size(); }

private:
    std::vector<Diagnostic> found_;
};

/// The words of a file as a message shows them: in quotes, on one line, cut when long.
std::string in_quotes(std::string_view text);
/// `, did you mean "ticket.status"?`, or nothing when there is nothing to propose.
std::string did_you_mean(std::string_view proposal);
/// The same with the nearest of the candidates, when one is near.
std::string hint(std::string_view name, const std::vector<std::string>& candidates);

/// `rules/a.yaml:3:7: error: unknown field "ticket.staus", did you mean "ticket.status"? [unknown-field]`
std::string to_text(const Diagnostic& diagnostic);

}  // namespace engine
