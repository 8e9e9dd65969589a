#pragma once
/// ScriptWords: a script by its words, and what of them belongs together.

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/diagnostic.h"
#include "rules/script.h"
#include "rules/script_tokens.h"

namespace rules {

/// Borrows the file. Places before the first token and behind the last are none: nothing is there.
class ScriptWords {
public:
    using Range = std::pair<std::size_t, std::size_t>;  ///< the first, and the one behind the last

    explicit ScriptWords(const ScriptFile& file);

    std::size_t size() const { return tokens_.size(); }
    const LuaToken& at(std::size_t i) const { return i < tokens_.size() ? tokens_[i] : tokens_.back(); }
    /// The first token on the line, or behind it.
    std::size_t first_of_line(int line) const {
        const auto first =
            std::lower_bound(tokens_.begin(), tokens_.end(), line,
                             [](const LuaToken& token, int searched) { return token.line < searched; });
        return static_cast<std::size_t>(first - tokens_.begin());
    }
    engine::Place place(std::size_t i) const { return {file_.name, at(i).line, at(i).column}; }
    bool is(std::size_t i, LuaToken::Kind kind) const {
        return i < tokens_.size() && tokens_[i].kind == kind;
    }
    bool is_mark(std::size_t i, std::string_view words) const {
        return is(i, LuaToken::Kind::mark) && tokens_[i].words == words;
    }
    bool is_word(std::size_t i, std::string_view words) const {
        return is(i, LuaToken::Kind::name) && tokens_[i].words == words;
    }
    /// A name that is no word of Lua's own.
    bool is_name(std::size_t i) const {
        return is(i, LuaToken::Kind::name) && !is_kept_word(tokens_[i].words);
    }
    /// Not a member of something else, `a.ctx`.
    bool begins_chain(std::size_t i) const {
        return is_name(i) && !is_mark(i - 1, ".") && !is_mark(i - 1, ":");
    }

    /// What closes the bracket or block that begins here; 0 when none does.
    std::size_t closing(std::size_t i) const { return i < closing_.size() ? closing_[i] : 0; }
    /// Neither in a bracket nor in a block.
    bool is_outermost(std::size_t i) const { return i < depth_.size() && depth_[i] == 0; }
    /// What stands between commas, and semicolons, in the brackets that open here.
    std::vector<Range> parts(std::size_t open) const;
    /// Behind `.name` and `[…]` as far as they follow the name here.
    std::size_t end_of_chain(std::size_t i) const;

    /// Whether the file itself calls something so: by `local`, in a loop, as a parameter, or by an
    /// assignment.
    bool is_named_here(std::string_view name) const;
    /// The same, parameters left out: those named ctx are what the engine gives.
    bool is_made_here(std::string_view name) const;

private:
    enum class Made { not_here, as_parameter, by_statement };
    void note_names();
    Made how_begun(std::size_t i) const;

    const ScriptFile& file_;
    std::vector<LuaToken> tokens_;
    std::vector<std::size_t> closing_;
    std::vector<int> depth_;
    std::map<std::string_view, Made> made_;  ///< each name, as it is made wherever it is
};

}  // namespace rules
