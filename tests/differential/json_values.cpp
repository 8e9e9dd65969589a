// What parse_json makes of documents against what nlohmann/json alone makes of them.
#include "engine/base/json.h"
#include "tests/differential/families.h"
#include "tests/differential/spelling.h"
#include "tests/support/rules.h"

namespace json_values {

using namespace rules;
using namespace rules::testing;
using testing_random::Random;

namespace {

/// Some members at random, all below some of them.
engine::JsonMask random_mask(const Json& value, Random& random, int depth = 0) {
    engine::JsonMask mask;
    mask.whole = depth > 0 && random.chance(30);
    if (value.is_object())
        for (const auto& [name, member] : value.items())
            if (random.chance(60)) mask.members[name] = random_mask(member, random, depth + 1);
    if (value.is_array())
        for (const auto& item : value) mask.members.merge(random_mask(item, random, depth + 1).members);
    return mask;
}

/// By its description: what is not wanted is not there.
Json left_by(const engine::JsonMask& mask, const Json& value) {
    if (mask.whole || !value.is_structured()) return value;
    auto left = value.is_array() ? Json::array() : Json::object();
    if (value.is_array())
        for (const auto& item : value) left.push_back(left_by(mask, item));
    else
        for (const auto& [name, member] : value.items())
            if (const auto wanted = mask.members.find(name); wanted != mask.members.end())
                left[name] = left_by(wanted->second, member);
    return left;
}

std::string spoilt(std::string bytes, Random& random) {
    static const std::string with = "{}[],:\"\\0-.eE u\t\x01\x80\xC3\xED";
    const auto place = random.below(bytes.size());
    if (random.chance(40))
        bytes.erase(place, 1 + random.below(3));
    else
        bytes[place] = with[random.below(with.size())];
    return bytes;
}

}  // namespace

TEST_CASE("json: documents are read as nlohmann/json reads them, the good and the spoilt", "[differential]") {
    const auto seed = testing_random::seed_or(54);
    std::size_t good = 0, bad = 0;
    for (const auto& family : families())
        for (std::uint32_t round = 0; round < rounds() * 4; ++round) {
            Random random(seed + round);
            auto bytes = spelled(random_walk(family, random, random_variety(random)).roots, random);
            if (random.chance(50)) bytes = spoilt(std::move(bytes), random);
            INFO("SIGNALBOX_TEST_SEED=" << seed << ", " << family.name << ", round " << round << ": "
                                        << bytes);
            const auto expected = Json::parse(bytes, nullptr, false);
            const auto read = engine::parse_json(bytes);
            REQUIRE(static_cast<bool>(read) != expected.is_discarded());
            ++(read ? good : bad);
            if (!read) continue;
            REQUIRE(read->dump() == expected.dump());
            const auto mask = random_mask(expected, random);
            const auto some = engine::parse_json(bytes, {}, &mask);
            REQUIRE(some);
            // A document that is left to the other reader comes whole.
            const bool fits = *some == left_by(mask, expected) || *some == expected;
            CHECK(fits);
        }
    CHECK(good > 1'000);
    CHECK(bad > 500);
}

TEST_CASE("json: halves of characters, depths and numbers beyond all types are refused by whom they were",
          "[differential]") {
    for (const std::string text : {R"("\ud800")",
                                   R"("\udc00")",
                                   R"("\ud800\u0041")",
                                   R"("\ud83d\ude00")",
                                   R"(["a",1e400])",
                                   "-0",
                                   "1e-400",
                                   "18446744073709551616",
                                   "[1,]",
                                   "{\"a\":1,}",
                                   "nul",
                                   "[1]x",
                                   " ",
                                   "\"\x01\"",
                                   "\"\xC3\"",
                                   "01",
                                   "+1",
                                   "\"\\x\"",
                                   "{\"a\" 1}",
                                   "\"\xED\xA0\x80\""}) {
        INFO(text);
        const auto expected = Json::parse(text, nullptr, false);
        const auto read = engine::parse_json(text);
        REQUIRE(static_cast<bool>(read) != expected.is_discarded());
        if (read) CHECK(read->dump() == expected.dump());
    }
    const auto nested = [](std::size_t depth, const std::string& inner) {
        return std::string(depth, '[') + inner + std::string(depth, ']');
    };
    CHECK(engine::parse_json(nested(64, "")));
    CHECK(engine::parse_json(nested(65, "")).error().code == engine::Code::exhausted);
    CHECK(engine::parse_json(nested(63, "{}")));
    CHECK(engine::parse_json(nested(64, "{}")).error().code == engine::Code::exhausted);
    // Also where nobody looks.
    const engine::JsonMask nothing;
    CHECK(engine::parse_json("{\"a\":" + nested(63, "1") + "}", {}, &nothing));
    CHECK(engine::parse_json("{\"a\":" + nested(64, "1") + "}", {}, &nothing).error().code ==
          engine::Code::exhausted);
}

}  // namespace json_values
