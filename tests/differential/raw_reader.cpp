// What is read from a document's bytes against what is read from its values, in both layouts.
#include "rules/matcher/raw_reader.h"

#include "rules/matcher/indexed.h"
#include "tests/differential/families.h"
#include "tests/differential/spelling.h"
#include "tests/support/raw_readings.h"
#include "tests/support/rules.h"

namespace raw_reader {

using namespace rules;
using namespace rules::testing;
using testing_random::Random;
using Layout = RawReader::Layout;

namespace {

constexpr int documents = 10;

/// Behind the document is what may be taken for more of it.
std::string with_padding(const std::string& bytes, Random& random) {
    static const std::vector<std::string> behind{" ", "\"", "}", "0", "]", "a"};
    std::string padding;
    while (padding.size() < RawReader::padding()) padding += random.of(behind);
    return bytes + padding;
}

Json document_of(const Walk& walk, Layout layout, Random& random) {
    if (layout == Layout::roots) return walk.roots;
    Json envelope = {{"specversion", "1.0"}, {"id", "e1"}, {"source", "test"}, {"data", walk.roots}};
    if (random.chance(90)) envelope["type"] = walk.type;
    return envelope;
}

}  // namespace

TEST_CASE("raw reader: what is read from the bytes is what is read from the values", "[differential]") {
    const auto seed = testing_random::seed_or(52);
    std::size_t read = 0;
    for (const auto& family : families())
        for (std::uint32_t round = 0; round < rounds() / 2; ++round) {
            Random random(seed + round);
            const auto variety = random.chance(50) ? 0 : 50;
            const auto rules = random_rules(family, random, variety);
            const IndexedMatcher matcher(rules);
            const auto& slots = matcher.parts().front().index->slots();
            for (const auto layout : {Layout::roots, Layout::envelope}) {
                const RawReader reader(slots, layout);
                RawReader::Scratch scratch;
                Readings from_bytes;
                for (int i = 0; i < documents; ++i) {
                    const auto walk = random_walk(family, random, variety);
                    const auto bytes = spelled(document_of(walk, layout, random), random);
                    const auto padded = with_padding(bytes, random);
                    INFO("SIGNALBOX_TEST_SEED=" << seed << ", " << family.name << ", round " << round << ": "
                                                << bytes);
                    const auto from_values = read_from_values(slots, walk.type, json(bytes), layout, noon);
                    REQUIRE(reader.read(walk.type, std::string_view(padded).substr(0, bytes.size()), noon,
                                        scratch, from_bytes));
                    REQUIRE(from_bytes.codes == from_values.codes);
                    REQUIRE(from_bytes.found == from_values.found);
                    read += bytes.size();
                }
            }
        }
    CHECK(read > rounds() * 1'000);
}

}  // namespace raw_reader
