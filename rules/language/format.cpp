#include "rules/language/format.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "engine/base/text.h"
#include "engine/base/yaml.h"

namespace rules {
namespace {

using engine::YamlNode;

constexpr int step = 2;

/// One line of the file and what it is part of.
struct Line {
    enum class Kind {
        blank,
        comment,
        structure,     ///< begins with a dash or a key of a block
        continuation,  ///< goes on with a value of the line above: brackets, quotes, a folded text
        block_text,    ///< inside a | or > text: every blank counts
    };
    Kind kind = Kind::continuation;
    std::string text;
    /// Of structure: the length of the plain key that the line begins with, 0 when there is none.
    std::size_t key_bytes = 0;
};

/// A | or > text: which lines it has and how its first line wants them indented.
struct BlockText {
    std::size_t header = 0;  ///< the line with | or >
    bool fixed = false;      ///< the header names the indentation
    bool keeps_blanks = false;
};

int indent_of(const std::string& line) {
    const auto first = line.find_first_not_of(' ');
    return static_cast<int>(first == std::string::npos ? line.size() : first);
}
bool is_blank(const std::string& line) {
    return line.find_first_not_of(" \t") == std::string::npos;
}
std::string without_trailing_blanks(const std::string& line) {
    const auto last = line.find_last_not_of(" \t");
    return last == std::string::npos ? "" : line.substr(0, last + 1);
}
std::string spaces(int count) {
    return std::string(static_cast<std::size_t>(std::max(0, count)), ' ');
}

std::string with_unix_line_ends(const std::string& text) {
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    std::string out;
    for (std::size_t i = text.starts_with(byte_order_mark) ? byte_order_mark.size() : 0; i < text.size(); ++i)
        if (text[i] != '\r' || i + 1 >= text.size() || text[i + 1] != '\n') out += text[i];
    return out;
}

std::optional<YamlNode> tree_of(const std::string& text) {
    engine::Diagnostics diagnostics;
    auto root = engine::parse_yaml(text, "", diagnostics);
    if (!diagnostics.empty()) return std::nullopt;
    return root;
}

bool same_tree(const YamlNode& left, const YamlNode& right) {
    const auto same_entry = [](const YamlNode::Entry& a, const YamlNode::Entry& b) {
        return a.key == b.key && same_tree(a.value, b.value);
    };
    return left.kind == right.kind && left.text == right.text && left.quoted == right.quoted &&
           std::equal(left.items.begin(), left.items.end(), right.items.begin(), right.items.end(),
                      same_tree) &&
           std::equal(left.entries.begin(), left.entries.end(), right.entries.begin(), right.entries.end(),
                      same_entry);
}

/// Finds out what each line is part of.
class Reader {
public:
    Reader(const std::string& text, const YamlNode& root) {
        for (auto& line : engine::split(text, '\n')) lines_.push_back({Line::Kind::continuation, line, 0});
        visit(root, -1);
        mark_block_texts();
        mark_the_rest();
    }

    std::vector<Line> take_lines() { return std::move(lines_); }
    std::map<std::size_t, BlockText> take_block_texts() { return std::move(block_texts_); }

private:
    struct Start {
        std::size_t line;
        std::size_t column;
    };
    static Start start_of(const engine::Place& place) {
        return {static_cast<std::size_t>(std::max(1, place.line)) - 1,
                static_cast<std::size_t>(std::max(1, place.column)) - 1};
    }
    char at(const engine::Place& place) const {
        const auto start = start_of(place);
        const auto& line = lines_[start.line].text;
        return start.column < line.size() ? line[start.column] : '\0';
    }
    /// Whether only blanks and dashes stand before the place.
    bool begins_line(const engine::Place& place) const {
        const auto start = start_of(place);
        const auto& line = lines_[start.line].text;
        return std::min(line.find_first_not_of(" -"), line.size()) >= std::min(start.column, line.size());
    }

    void visit(const YamlNode& node, int parent_column) {
        if (node.is_map() && at(node.place) != '{') visit_map(node);
        if (node.is_list() && at(node.place) == '-') visit_list(node);
        if (node.is_scalar() && node.quoted) note_block_text(node, parent_column);
    }

    void visit_map(const YamlNode& map) {
        for (const auto& entry : map.entries) {
            const auto start = start_of(entry.place);
            if (begins_line(entry.place)) {
                auto& line = lines_[start.line];
                line.kind = Line::Kind::structure;
                const bool plain = std::string_view(line.text).substr(start.column).starts_with(entry.key);
                line.key_bytes = plain ? entry.key.size() : 0;
            }
            visit(entry.value, static_cast<int>(start.column));
        }
    }

    void visit_list(const YamlNode& list) {
        for (const auto& item : list.items) {
            auto& line = lines_[start_of(item.place).line];
            const auto first = std::min(line.text.find_first_not_of(' '), line.text.size());
            if (first < line.text.size() && line.text[first] == '-') line.kind = Line::Kind::structure;
            visit(item, static_cast<int>(start_of(list.place).column));
        }
    }

    void note_block_text(const YamlNode& node, int parent_column) {
        const char sign = at(node.place);
        if (sign != '|' && sign != '>') return;
        const auto start = start_of(node.place);
        const auto header = std::string_view(lines_[start.line].text).substr(start.column, 3);
        BlockText block{start.line, header.find_first_of("123456789") != std::string_view::npos,
                        header.find('+') != std::string_view::npos};
        block_texts_[start.line] = block;
        parents_[start.line] = parent_column;
    }

    void mark_block_texts() {
        for (const auto& [header, block] : block_texts_) {
            std::size_t end = header + 1;
            while (end < lines_.size() &&
                   (is_blank(lines_[end].text) || indent_of(lines_[end].text) > parents_[header]))
                ++end;
            while (!block.keeps_blanks && end > header + 1 && is_blank(lines_[end - 1].text)) --end;
            for (auto line = header + 1; line < end; ++line) lines_[line].kind = Line::Kind::block_text;
        }
    }

    void mark_the_rest() {
        for (auto& line : lines_) {
            if (line.kind != Line::Kind::continuation) continue;
            const auto content = engine::trim(line.text);
            if (content.empty()) line.kind = Line::Kind::blank;
            if (content.starts_with('#')) line.kind = Line::Kind::comment;
            if (content == "-" || content.starts_with("- #")) line.kind = Line::Kind::structure;
        }
    }

    std::vector<Line> lines_;
    std::map<std::size_t, BlockText> block_texts_;
    std::map<std::size_t, int> parents_;
};

/// Writes the lines anew, level by level.
class Writer {
public:
    Writer(std::vector<Line> lines, std::map<std::size_t, BlockText> block_texts)
        : lines_(std::move(lines)), block_texts_(std::move(block_texts)) {}

    std::string write() {
        for (at_ = 0; at_ < lines_.size(); ++at_) write_line(lines_[at_]);
        while (!out_.empty() && out_.back().empty()) out_.pop_back();
        return out_.empty() ? "" : engine::join(out_, "\n") + "\n";
    }

private:
    struct Level {
        int old_column;
        int new_column;
        bool dash;
    };

    void write_line(const Line& line) {
        switch (line.kind) {
            case Line::Kind::structure:
                return write_structure(line);
            case Line::Kind::block_text:
                return write_block_text(line.text);
            case Line::Kind::comment:
                return write_comment(line.text);
            case Line::Kind::blank:
                return write_blank();
            case Line::Kind::continuation:
                return write_shifted(line.text);
        }
    }

    void write_structure(const Line& line) {
        std::size_t column = static_cast<std::size_t>(indent_of(line.text));
        std::string out;
        bool first = true;
        while (starts_dash(line.text, column)) {
            enter(static_cast<int>(column), true);
            out += (first ? spaces(levels_.back().new_column) : "") + "- ";
            first = false;
            column = std::min(line.text.find_first_not_of(" \t", column + 1), line.text.size());
        }
        const bool key = line.key_bytes > 0 || first;
        if (key && column < line.text.size()) {
            enter(static_cast<int>(column), false);
            if (first) out += spaces(levels_.back().new_column);
        }
        out += with_one_space(line.text.substr(column), line.key_bytes);
        out_.push_back(without_trailing_blanks(out));
        block_shift_.reset();
    }

    static bool starts_dash(const std::string& text, std::size_t column) {
        return column < text.size() && text[column] == '-' &&
               (column + 1 == text.size() || text[column + 1] == ' ' || text[column + 1] == '\t');
    }

    /// `key  :   value` → `key: value`; what stands behind the key for another reason stays.
    static std::string with_one_space(const std::string& content, std::size_t key_bytes) {
        const auto colon = content.find_first_not_of(" \t", key_bytes);
        if (key_bytes == 0 || colon == std::string::npos || content[colon] != ':') return content;
        const auto value = content.find_first_not_of(" \t", colon + 1);
        if (value == std::string::npos || value == colon + 1 || content[value] == '#')
            return content.substr(0, key_bytes) + content.substr(colon);
        return content.substr(0, key_bytes) + ": " + content.substr(value);
    }

    void enter(int column, bool dash) { enter(levels_, column, dash); }

    /// Makes the level of this column the innermost one.
    static void enter(std::vector<Level>& levels, int column, bool dash) {
        while (!levels.empty() && (levels.back().old_column > column ||
                                   (levels.back().old_column == column && levels.back().dash && !dash)))
            levels.pop_back();
        const bool known =
            !levels.empty() && levels.back().old_column == column && levels.back().dash == dash;
        if (!known) levels.push_back({column, levels.empty() ? 0 : levels.back().new_column + step, dash});
    }

    int shift() const { return levels_.empty() ? 0 : levels_.back().new_column - levels_.back().old_column; }
    int inside() const { return levels_.empty() ? 0 : levels_.back().new_column + step; }

    void write_shifted(const std::string& text) {
        const int least = levels_.empty() ? 0 : levels_.back().new_column + 1;
        const int indent = std::max(least, indent_of(text) + shift());
        out_.push_back(spaces(indent) + without_trailing_blanks(text.substr(text.find_first_not_of(' '))));
    }

    void write_block_text(const std::string& text) {
        if (!block_shift_) block_shift_ = shift_of_block();
        const int indent = indent_of(text);
        const bool only_spaces = static_cast<std::size_t>(indent) == text.size();
        if (only_spaces && indent <= block_indent_) return out_.push_back("");
        out_.push_back(spaces(indent + *block_shift_) + text.substr(static_cast<std::size_t>(indent)));
    }

    /// How far the block text that begins here moves: its first line goes two spaces inside its key or dash.
    int shift_of_block() {
        auto first = at_;
        while (first < lines_.size() && lines_[first].kind == Line::Kind::block_text &&
               is_blank(lines_[first].text))
            ++first;
        const bool any = first < lines_.size() && lines_[first].kind == Line::Kind::block_text;
        block_indent_ = any ? indent_of(lines_[first].text) : 0;
        const auto header = block_texts_.find(at_ - 1);
        const bool fixed = header != block_texts_.end() && header->second.fixed;
        if (fixed) block_indent_ = 0;
        return fixed || !any ? shift() : inside() - block_indent_;
    }

    void write_comment(const std::string& text) {
        const auto content = without_trailing_blanks(text.substr(text.find_first_not_of(" \t")));
        out_.push_back(spaces(comment_indent(indent_of(text))) + content);
    }

    /// A comment belongs to what follows it, else to the level it stands at; the last ones to the outermost
    /// such.
    int comment_indent(int old) const {
        auto next = at_;
        while (next < lines_.size() &&
               (lines_[next].kind == Line::Kind::comment || lines_[next].kind == Line::Kind::blank))
            ++next;
        if (next < lines_.size() && lines_[next].kind == Line::Kind::structure) {
            const auto& text = lines_[next].text;
            if (indent_of(text) == old)
                return column_of_next(old, starts_dash(text, static_cast<std::size_t>(old)));
        }
        if (next == lines_.size())
            for (const auto& level : levels_)
                if (level.old_column == old) return level.new_column;
        for (auto level = levels_.rbegin(); level != levels_.rend(); ++level)
            if (level->old_column <= old) return level->new_column + (old - level->old_column);
        return 0;
    }

    /// Where a structure line of this column will be put.
    int column_of_next(int column, bool dash) const {
        auto ahead = levels_;
        enter(ahead, column, dash);
        return ahead.back().new_column;
    }

    void write_blank() {
        auto next = at_;
        while (next < lines_.size() && lines_[next].kind == Line::Kind::blank) ++next;
        const bool inside_value = next < lines_.size() && lines_[next].kind == Line::Kind::continuation;
        if (inside_value || (!out_.empty() && !out_.back().empty())) out_.push_back("");
    }

    std::vector<Line> lines_;
    std::map<std::size_t, BlockText> block_texts_;
    std::vector<Level> levels_;
    std::optional<int> block_shift_;
    int block_indent_ = 0;
    std::size_t at_ = 0;
    std::vector<std::string> out_;
};

std::string laid_out(const std::string& text, const YamlNode& root) {
    Reader reader(text, root);
    auto block_texts = reader.take_block_texts();
    return Writer(reader.take_lines(), std::move(block_texts)).write();
}

/// Only what can hardly go wrong: blanks at line ends and one line end at the end.
std::string tidied(const std::string& text) {
    std::vector<std::string> lines;
    for (const auto& line : engine::split(text, '\n')) lines.push_back(without_trailing_blanks(line));
    while (!lines.empty() && lines.back().empty()) lines.pop_back();
    return lines.empty() ? "" : engine::join(lines, "\n") + "\n";
}

bool says_the_same(const std::string& text, const YamlNode& root) {
    const auto other = tree_of(text);
    return other && same_tree(*other, root);
}

/// The best layout that says the same; the text itself when there is none.
std::string improved(const std::string& original) {
    const auto root = tree_of(original);
    if (!root || root->is_null() || root->is_scalar()) return original;
    const auto text = with_unix_line_ends(original);
    const auto clean = tree_of(text);
    if (!clean || !same_tree(*clean, *root)) return original;
    for (const auto& candidate : {laid_out(text, *clean), tidied(text)})
        if (says_the_same(candidate, *root)) return candidate;
    return original;
}

}  // namespace

std::string format_rules(const std::string& text) {
    constexpr int rounds_max = 4;
    auto current = text;
    for (int round = 0; round < rounds_max; ++round) {
        auto next = improved(current);
        if (next == current) return current;
        current = std::move(next);
    }
    return text;
}

}  // namespace rules
