// The tables that turn values into codes, against the plain way of doing the same.
#include <algorithm>
#include <string>

#include "rules/matcher/bounds.h"
#include "rules/matcher/key_table.h"
#include "rules/matcher/search_tree.h"
#include "rules/matcher/text_codes.h"
#include "tests/support/catch.h"
#include "tests/support/random.h"

namespace matcher_tables {

using namespace rules;
using testing_random::Random;

namespace {

/// Few letters and many lengths, so that texts share beginnings and ends.
std::string random_text(Random& random, std::size_t longest) {
    std::string text;
    for (auto length = random.below(longest + 1); length > 0; --length)
        text += std::string("aab\0\xFFz", 6)[random.below(6)];
    return text;
}

std::uint32_t found_in(const KeyTable& table, const std::string& key) {
    const auto quoted = '"' + key + "\"????????";
    const auto plain = std::string_view(quoted).substr(1, key.size());
    const auto number = table.find(plain);
    if (number != 0) CHECK(table.may_have(plain));
    return number;
}

}  // namespace

TEST_CASE("key table: keys are told apart, also when all but their middle is the same", "[matcher]") {
    const KeyTable table({{"status", 1},
                          {"custom_field_a", 2},
                          {"custom_field_b", 3},
                          {"custom_fjeld_a", 4},
                          {"", 5},
                          {"s", 6}});
    CHECK(found_in(table, "status") == 1);
    CHECK(found_in(table, "custom_field_a") == 2);
    CHECK(found_in(table, "custom_field_b") == 3);
    CHECK(found_in(table, "custom_fjeld_a") == 4);
    CHECK(found_in(table, "") == 5);
    CHECK(found_in(table, "s") == 6);
    CHECK(found_in(table, "statu") == 0);
    CHECK(found_in(table, "status?") == 0);
    CHECK(found_in(table, "custom_field_c") == 0);
    CHECK(found_in(KeyTable(), "status") == 0);
}

TEST_CASE("key table: random keys are found, and nothing else is", "[matcher]") {
    Random random(testing_random::seed_or(61));
    for (int round = 0; round < 200; ++round) {
        KeyTable::Keys keys;
        for (auto count = random.below(40); count > 0; --count) {
            auto key = random_text(random, 24);
            const bool known =
                std::any_of(keys.begin(), keys.end(), [&](const auto& one) { return one.first == key; });
            if (!known) keys.emplace_back(std::move(key), static_cast<std::uint32_t>(keys.size() + 1));
        }
        const KeyTable table(keys);
        for (const auto& [key, number] : keys) REQUIRE(found_in(table, key) == number);
        for (int i = 0; i < 50; ++i) {
            const auto other = random_text(random, 24);
            const auto known =
                std::find_if(keys.begin(), keys.end(), [&](const auto& one) { return one.first == other; });
            REQUIRE(found_in(table, other) == (known == keys.end() ? 0 : known->second));
        }
    }
}

namespace {

/// Both ways to find a text say the same.
std::optional<std::uint32_t> number_in(const TextCodes& codes, const std::string& text) {
    const auto number = codes.find(text);
    const auto padded = text + "????????";
    REQUIRE(codes.code_of_padded(std::string_view(padded).substr(0, text.size()), 100, 7) ==
            (number ? 100 + *number : 7));
    return number;
}

}  // namespace

TEST_CASE("text codes: texts of every length get numbers in the order they came", "[matcher]") {
    Random random(testing_random::seed_or(62));
    TextCodes codes;
    std::vector<std::string> texts;
    for (int i = 0; i < 5'000; ++i) {
        auto text = random_text(random, 40);
        const auto known = std::find(texts.begin(), texts.end(), text);
        const auto number = static_cast<std::uint32_t>(known - texts.begin());
        REQUIRE(number_in(codes, text) == (known == texts.end() ? std::nullopt : std::optional(number)));
        if (known == texts.end() && random.chance(30)) {
            REQUIRE(codes.add(text) == number);
            texts.push_back(std::move(text));
        }
    }
    CHECK(codes.size() == texts.size());
}

TEST_CASE("text codes: few and many are found again when no more are added", "[matcher]") {
    Random random(testing_random::seed_or(64));
    for (std::size_t size : {0, 1, 2, 3, 7, 8, 9, 31, 32, 33, 200}) {
        TextCodes codes;
        std::vector<std::string> texts;
        while (texts.size() < size) {
            auto text = random_text(random, 24);
            if (codes.add(text) == texts.size()) texts.push_back(std::move(text));
        }
        codes.freeze();
        for (std::uint32_t number = 0; number < texts.size(); ++number)
            REQUIRE(number_in(codes, texts[number]) == number);
        for (int i = 0; i < 200; ++i) {
            const auto text = random_text(random, 30);
            const auto known = std::find(texts.begin(), texts.end(), text);
            REQUIRE(number_in(codes, text).has_value() == (known != texts.end()));
        }
        REQUIRE(number_in(codes, "").has_value() ==
                (std::find(texts.begin(), texts.end(), "") != texts.end()));
    }
}

TEST_CASE("search tree: it counts as a binary search does, whatever the size", "[matcher]") {
    Random random(testing_random::seed_or(63));
    for (std::size_t size : {0, 1, 2, 15, 16, 17, 31, 32, 255, 256, 257, 272, 4'095, 4'096, 4'097, 70'000}) {
        std::vector<std::int64_t> keys;
        for (std::size_t i = 0; i < size; ++i)
            keys.push_back(static_cast<std::int64_t>(random.below(1 + 2 * size)));
        if (size > 2) keys.back() = std::numeric_limits<std::int64_t>::max();
        std::sort(keys.begin(), keys.end());
        const SearchTree tree(keys);
        for (int i = 0; i < 500; ++i) {
            const auto key = static_cast<std::int64_t>(random.below(3 + 2 * size)) - 1;
            const auto below = std::lower_bound(keys.begin(), keys.end(), key) - keys.begin();
            REQUIRE(tree.count_below(key) == static_cast<std::size_t>(below));
        }
        const auto most = std::numeric_limits<std::int64_t>::max();
        const auto below = std::lower_bound(keys.begin(), keys.end(), most) - keys.begin();
        REQUIRE(tree.count_below(most) == static_cast<std::size_t>(below));
    }
}

TEST_CASE("prefixes: a text's rank lies in the ranks of the prefixes it begins with, and of no others",
          "[matcher]") {
    Random random(testing_random::seed_or(64));
    for (int round = 0; round < 100; ++round) {
        std::vector<std::string> given;
        Prefixes prefixes;
        for (auto count = 1 + random.below(60); count > 0; --count) {
            given.push_back(random_text(random, 12));
            prefixes.add(given.back());
        }
        prefixes.sort();
        for (int i = 0; i < 100; ++i) {
            const auto text = random_text(random, 16);
            const auto padded = text + "????????";
            const auto rank = prefixes.rank(text);
            REQUIRE(prefixes.rank_padded(std::string_view(padded).substr(0, text.size())) == rank);
            for (const auto& prefix : given) {
                const auto ranks = prefixes.ranks_of(prefix);
                REQUIRE((ranks.first <= rank && rank <= ranks.last) == text.starts_with(prefix));
            }
        }
    }
}

TEST_CASE("bounds: numbers beyond what a double holds keep their order", "[matcher]") {
    Bounds<ExactNumber> bounds;
    const std::int64_t large = std::int64_t{1} << 53;
    for (std::int64_t step = -2; step <= 2; ++step) bounds.add(ExactNumber(large + step));
    bounds.add(ExactNumber(0.5));
    bounds.sort();
    for (std::int64_t step = -2; step <= 2; ++step)
        CHECK(bounds.rank(ExactNumber(large + step)) == 2 * static_cast<std::size_t>(step + 3) + 1);
    CHECK(bounds.rank(ExactNumber(std::numeric_limits<std::uint64_t>::max())) == 12);
    CHECK(bounds.rank(ExactNumber(0.25)) == 0);
    CHECK(bounds.rank(ExactNumber(1.0)) == 2);
}

}  // namespace matcher_tables
