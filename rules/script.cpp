#include "rules/script.h"

#include "rules/script_tokens.h"

namespace rules {

std::vector<std::string> texts_in(std::string_view source) {
    std::vector<std::string> texts;
    for (const auto& token : tokens_of(source))
        if (token.kind == LuaToken::Kind::text) texts.emplace_back(token.words);
    return texts;
}

}  // namespace rules
