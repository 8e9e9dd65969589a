#include "rules/lua/globals.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace rules {

namespace {

// Of Lua 5.4: `GETTABUP A B C` reads the key C of upvalue B, `SETTABUP A B C` writes the key B of upvalue A.
constexpr std::uint32_t read_of_upvalue = 11;
constexpr std::uint32_t write_of_upvalue = 15;
constexpr int float_constant = 0x13;
constexpr int whole_constant = 0x03;
constexpr int short_text_constant = 0x04;
constexpr int long_text_constant = 0x14;
constexpr int line_is_listed = -128;
constexpr std::size_t header_bytes = 4 + 1 + 1 + 6 + 3 + 8 + 8 + 1;

class ChunkReader {
public:
    explicit ChunkReader(std::string_view chunk) : chunk_(chunk) {}

    std::vector<GlobalUse> read() {
        at_ = header_bytes;
        function();
        return std::move(uses_);
    }

private:
    struct Body {
        std::vector<std::uint32_t> code;
        std::vector<std::string> constants;
        std::vector<int> lines;
        std::size_t first_use = 0;
    };

    int byte() { return at_ < chunk_.size() ? static_cast<unsigned char>(chunk_[at_++]) : 0; }
    std::uint64_t number() {
        std::uint64_t value = 0;
        while (at_ < chunk_.size()) {
            const auto next = static_cast<unsigned>(byte());
            value = (value << 7U) | (next & 0x7FU);
            if ((next & 0x80U) != 0) break;
        }
        return value;
    }
    std::string text() {
        const auto size = number();
        if (size == 0) return {};
        auto words = std::string(chunk_.substr(std::min(at_, chunk_.size()), size - 1));
        at_ += size - 1;
        return words;
    }

    void function() {
        Body body;
        text();
        int line = static_cast<int>(number());
        number();
        at_ += 3;
        for (auto left = number(); left > 0; --left) {
            std::uint32_t instruction = 0;
            for (unsigned shift = 0; shift < 32; shift += 8)
                instruction |= static_cast<std::uint32_t>(byte()) << shift;
            body.code.push_back(instruction);
        }
        for (auto left = number(); left > 0; --left) body.constants.push_back(constant());
        at_ += 3 * number();
        for (auto left = number(); left > 0; --left) function();
        read_lines(body, line);
        for (auto left = number(); left > 0; --left) {
            text();
            number();
            number();
        }
        std::vector<std::string> upvalues;
        for (auto left = number(); left > 0; --left) upvalues.push_back(text());
        list_uses(body, upvalues);
    }

    std::string constant() {
        switch (byte()) {
            case float_constant:
            case whole_constant:
                at_ += 8;
                return {};
            case short_text_constant:
            case long_text_constant:
                return text();
            default:
                return {};
        }
    }

    void read_lines(Body& body, int line) {
        std::vector<int> steps;
        for (auto left = number(); left > 0; --left) steps.push_back(static_cast<signed char>(byte()));
        std::vector<std::pair<std::uint64_t, int>> listed;
        for (auto left = number(); left > 0; --left) {
            const auto place = number();
            listed.emplace_back(place, static_cast<int>(number()));
        }
        auto next = listed.begin();
        for (std::size_t i = 0; i < steps.size(); ++i) {
            line += steps[i];
            while (next != listed.end() && next->first < i) ++next;
            if (steps[i] == line_is_listed && next != listed.end()) line = next->second;
            body.lines.push_back(line);
        }
    }

    void list_uses(const Body& body, const std::vector<std::string>& upvalues) {
        for (std::size_t i = 0; i < body.code.size(); ++i) {
            const auto code = body.code[i] & 0x7FU;
            const auto a = (body.code[i] >> 7U) & 0xFFU;
            const auto b = (body.code[i] >> 16U) & 0xFFU;
            const auto c = (body.code[i] >> 24U) & 0xFFU;
            if (code == read_of_upvalue) add(body, i, upvalues, b, c, false);
            if (code == write_of_upvalue) add(body, i, upvalues, a, b, true);
        }
    }
    void add(const Body& body, std::size_t place, const std::vector<std::string>& upvalues,
             std::uint32_t upvalue, std::uint32_t constant, bool is_write) {
        if (upvalue >= upvalues.size() || upvalues[upvalue] != "_ENV" || constant >= body.constants.size())
            return;
        uses_.push_back(
            {body.constants[constant], place < body.lines.size() ? body.lines[place] : 0, is_write});
    }

    std::string_view chunk_;
    std::size_t at_ = 0;
    std::vector<GlobalUse> uses_;
};

}  // namespace

std::vector<GlobalUse> globals_of(std::string_view chunk) {
    return ChunkReader(chunk).read();
}

}  // namespace rules
