// Many texts looked for at once against one after another, wherever the text stands in memory.
#include "rules/matcher/literal_scan.h"

#include <algorithm>
#include <array>
#include <set>

#include "tests/support/catch.h"
#include "tests/support/random.h"

namespace literal_scan {

using namespace rules;
using testing_random::Random;

namespace {

/// `needle@end`, so that a failure says what is missing.
using Places = std::set<std::string>;

std::string place(const Needle& needle, std::size_t end) {
    return needle.text + "@" + std::to_string(end);
}

std::vector<Needle> random_needles(Random& random) {
    const std::string letters = random.chance(50) ? "ab" : "abcdefghijklmnopqrstuvwxyz ,\xC3\xA4";
    std::set<std::string> texts;
    const auto count = 4 + random.below(random.chance(80) ? 30 : 300);
    const auto length_max = 1 + random.below(30);
    for (std::size_t i = 0; i < count; ++i) {
        std::string text;
        for (auto length = 1 + random.below(length_max); length > 0; --length)
            text += letters[random.below(letters.size())];
        texts.insert(text);
    }
    std::vector<Needle> needles;
    for (const auto& text : texts) needles.push_back({text, true});
    return needles;
}

std::string text_with(const std::vector<Needle>& needles, Random& random) {
    std::string text;
    for (auto parts = random.below(8); parts > 0; --parts) {
        if (random.chance(70)) text += random.of(needles).text;
        if (random.chance(50))
            text += std::string(random.below(random.chance(30) ? 200 : 5), "abc\t"[random.below(4)]);
    }
    return text;
}

Places looked_for(const std::vector<Needle>& needles, std::string_view text) {
    Places places;
    for (std::size_t i = 0; i < needles.size(); ++i)
        for (auto at = text.find(needles[i].text); at != std::string_view::npos;
             at = text.find(needles[i].text, at + 1))
            places.insert(place(needles[i], at + needles[i].text.size()));
    return places;
}

Places scanned(const std::vector<Needle>& needles, const LiteralScan& scan, std::string_view text) {
    Places places;
    scan.find(text,
              [&](std::uint32_t number, std::size_t end) { places.insert(place(needles[number], end)); });
    return places;
}

}  // namespace

TEST_CASE("literal scan: nothing is overlooked among the last bytes of a text", "[differential]") {
    const std::vector<Needle> needles{{"Word6", true},
                                      {"prefix of some length 3\xC3\xA4"
                                       "3",
                                       true},
                                      {"prefix of some length 5", true},
                                      {"stra\xC3\x9F"
                                       "e",
                                       true},
                                      {"\xC3\xA4"
                                       "5prefix of some length 5",
                                       true}};
    const LiteralScan scan(needles);
    alignas(64) std::array<char, 512> memory;
    for (std::size_t before = 0; before < 200; ++before)
        for (std::size_t shift = 0; shift < 64; ++shift) {
            const auto text = std::string(before, 'R') + "prefix of some length 5\tWord6";
            memory.fill(' ');
            std::copy(text.begin(), text.end(), memory.begin() + static_cast<std::ptrdiff_t>(shift));
            INFO(before << " bytes before, shifted by " << shift);
            REQUIRE(scanned(needles, scan, std::string_view(memory.data() + shift, text.size())) ==
                    looked_for(needles, text));
        }
}

TEST_CASE("literal scan: what is found at once is what is found one by one", "[differential]") {
    const auto seed = testing_random::seed_or(53);
    std::size_t found = 0;
    for (std::uint32_t round = 0; round < 1'000; ++round) {
        Random random(seed + round);
        const auto needles = random_needles(random);
        const LiteralScan scan(needles);
        for (int i = 0; i < 30; ++i) {
            const auto text = text_with(needles, random);
            const auto expected = looked_for(needles, text);
            // What is behind a text is no part of it, even where it goes on.
            const auto shift = random.below(64);
            const auto memory = std::string(shift, 'a') + text + text;
            INFO("SIGNALBOX_TEST_SEED=" << seed << ", round " << round << ", shifted by " << shift << ": "
                                        << text);
            REQUIRE(scanned(needles, scan, std::string_view(memory).substr(shift, text.size())) == expected);
            found += expected.size();
        }
    }
    CHECK(found > 30'000);
}

}  // namespace literal_scan
