#include "rules/lua/code_lines.h"

#include <cstddef>
#include <cstdint>
#include <map>

namespace rules {
namespace {

/// Walks over a dump; what ends too early ends the walk.
class Dump {
public:
    explicit Dump(std::string_view bytes) : left_(bytes) {}

    std::set<int> lines() {
        read();
        return is_whole_ ? lines_ : std::set<int>();
    }

    void add_texts(std::unordered_set<std::string_view>& texts) {
        texts_ = &texts;
        read();
    }

private:
    static constexpr int is_absolute = -0x80;
    static constexpr std::size_t instruction_bytes = 4;
    static constexpr std::size_t number_bytes = 8;

    void read() {
        // Signature, version, format, conversions, sizes of types, samples of them, upvalues of the file.
        skip(4 + 1 + 1 + 6 + 3 + 8 + 8 + 1);
        read_function();
    }

    void read_function() {
        read_text();  // the source
        const auto first_line = static_cast<int>(read_size());
        read_size();  // the last line
        skip(1);      // parameters
        const bool is_vararg = read_byte() != 0;
        skip(1);  // stack
        const auto instructions = read_size();
        skip(instructions * instruction_bytes);
        read_constants();
        skip(read_size() * 3);  // upvalues
        for (auto functions = read_size(); functions > 0 && is_whole_; --functions) read_function();
        read_lines(first_line, is_vararg);
    }

    void read_constants() {
        constexpr int whole = 3;
        constexpr int short_text = 4;
        constexpr int fraction = 19;
        constexpr int long_text = 20;
        for (auto constants = read_size(); constants > 0 && is_whole_; --constants) {
            const auto type = read_byte();
            if (type == whole || type == fraction) skip(number_bytes);
            if (type == short_text || type == long_text) read_text();
        }
    }

    void read_lines(int line, bool is_vararg) {
        const auto steps = take(read_size());
        std::map<std::size_t, int> absolute;
        for (auto count = read_size(); count > 0 && is_whole_; --count) {
            const auto at = read_size();
            absolute[at] = static_cast<int>(read_size());
        }
        for (auto variables = read_size(); variables > 0 && is_whole_; --variables) {
            read_text();
            read_size();
            read_size();
        }
        for (auto upvalues = read_size(); upvalues > 0 && is_whole_; --upvalues) read_text();
        for (std::size_t at = 0; at < steps.size(); ++at) {
            const int step = static_cast<signed char>(steps[at]);
            line = step == is_absolute ? absolute[at] : line + step;
            const bool only_prepares = is_vararg && at == 0;
            if (!only_prepares && at + 1 < steps.size()) lines_.insert(line);
        }
    }

    std::string_view take(std::size_t bytes) {
        if (bytes > left_.size()) is_whole_ = false;
        const auto taken = left_.substr(0, bytes);
        left_.remove_prefix(taken.size());
        return taken;
    }
    void skip(std::size_t bytes) { take(bytes); }
    int read_byte() {
        const auto byte = take(1);
        return byte.empty() ? 0 : static_cast<unsigned char>(byte[0]);
    }
    /// Seven bits a byte, the highest first; the last one is marked.
    std::size_t read_size() {
        std::size_t size = 0;
        while (is_whole_) {
            const auto byte = static_cast<std::size_t>(read_byte());
            size = (size << 7U) | (byte & 0x7FU);
            if ((byte & 0x80U) != 0) break;
        }
        return is_whole_ ? size : 0;
    }
    void read_text() {
        const auto size = read_size();
        if (size == 0) return;
        const auto text = take(size - 1);
        if (texts_ != nullptr && is_whole_) texts_->insert(text);
    }

    std::string_view left_;
    bool is_whole_ = true;
    std::set<int> lines_;
    std::unordered_set<std::string_view>* texts_ = nullptr;
};

}  // namespace

std::set<int> code_lines(std::string_view dumped) {
    return Dump(dumped).lines();
}

void add_code_texts(std::string_view dumped, std::unordered_set<std::string_view>& texts) {
    Dump(dumped).add_texts(texts);
}

}  // namespace rules
