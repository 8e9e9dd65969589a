// Business time against tables: our own (tests/vectors, for anyone to use), a peer's, and the database of
// zones.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/calendars.h"
#include "tests/support/catch.h"

namespace calendar_vectors {

using namespace rules;
using namespace rules::testing;
using engine::Duration;
using engine::Instant;
using std::chrono::seconds;

namespace {

Json read_json(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    auto json = engine::parse_json(text.str(), {16u << 20, 64});
    INFO(path.string());
    REQUIRE(json);
    return *std::move(json);
}

/// Empty, and said to be, where there is none.
std::filesystem::path shared(const std::string& file) {
    const char* named = std::getenv("SIGNALBOX_SHARED");
    const auto path = std::filesystem::path(named ? named : "../shared") / file;
    if (std::filesystem::exists(path)) return path;
    WARN("skipped: " + path.string() + " is not there (set SIGNALBOX_SHARED)");
    return {};
}

std::string text_of(const Json& value) {
    return value.is_null() ? "never" : value.get<std::string>();
}
std::string text_of(const std::optional<Instant>& instant) {
    return instant ? engine::to_text(*instant) : "never";
}
seconds seconds_at(const Json& row, std::size_t place) {
    return seconds(row.at(place).get<std::int64_t>());
}
Instant instant_at(const Json& row, std::size_t place) {
    return at(row.at(place).get<std::string>());
}

/// Calendars by name; one may be made from another.
std::map<std::string, Calendar> calendars_of(const Json& all, Skipped skipped) {
    std::map<std::string, Json> whole;
    std::map<std::string, Calendar> calendars;
    for (int pass = 0; pass < 3; ++pass)
        for (const auto& [name, json] : all.items()) {
            auto merged = json;
            if (json.contains("base")) {
                merged = whole.contains(json["base"].get<std::string>())
                             ? whole[json["base"].get<std::string>()]
                             : json;
                merged.update(json);
            }
            whole[name] = merged;
        }
    for (const auto& [name, json] : whole) calendars.emplace(name, calendar_of(json, skipped));
    return calendars;
}

std::chrono::local_seconds local_of(const Json& text) {
    return std::chrono::local_seconds(
        std::chrono::floor<seconds>(at(text.get<std::string>() + "Z")).time_since_epoch());
}

void check_change(const Zone& zone, const Json& change) {
    const auto utc = at(change["utc"].get<std::string>());
    const auto shown = [&](Instant instant) {
        return zone.local(instant).time_since_epoch() - instant.time_since_epoch();
    };
    CHECK(shown(utc) == seconds(change["after"].get<int>()));
    CHECK(shown(utc - Duration(1)) == seconds(change["before"].get<int>()));
    const auto local = local_of(change["probe"][0]);
    CHECK(engine::to_text(zone.utc(local, Skipped::moved)) == text_of(change["probe"][1]));
    const bool is_skipped = change["kind"] == "gap";
    CHECK(engine::to_text(zone.utc(local, Skipped::first_instant)) ==
          text_of(is_skipped ? change["utc"] : change["probe"][1]));
}

}  // namespace

TEST_CASE("calendar: our own vectors of business time", "[calendar]") {
    const auto vectors = read_json("tests/vectors/business_time.json");
    const auto calendars = calendars_of(vectors["calendars"], Skipped::first_instant);
    for (const auto& row : vectors["add"]) {
        INFO("add " << row.dump());
        const auto& calendar = calendars.at(row[0].get<std::string>());
        CHECK(text_of(calendar.add(instant_at(row, 1), seconds_at(row, 2), DueAt::first_instant)) ==
              text_of(row[3]));
        CHECK(text_of(calendar.add(instant_at(row, 1), seconds_at(row, 2), DueAt::next_opening)) ==
              text_of(row[4]));
    }
    for (const auto& row : vectors["subtract"]) {
        INFO("subtract " << row.dump());
        const auto since =
            calendars.at(row[0].get<std::string>()).subtract(instant_at(row, 1), seconds_at(row, 2));
        CHECK(text_of(since) == text_of(row[3]));
    }
    for (const auto& row : vectors["add_days"]) {
        INFO("add_days " << row.dump());
        const auto then =
            calendars.at(row[0].get<std::string>()).add_days(instant_at(row, 1), row[2].get<int>());
        CHECK(text_of(then) == text_of(row[3]));
    }
    for (const auto& row : vectors["subtract_days"]) {
        INFO("subtract_days " << row.dump());
        const auto then =
            calendars.at(row[0].get<std::string>()).subtract_days(instant_at(row, 1), row[2].get<int>());
        CHECK(text_of(then) == text_of(row[3]));
    }
    for (const auto& row : vectors["between"]) {
        INFO("between " << row.dump());
        const auto length =
            calendars.at(row[0].get<std::string>()).between(instant_at(row, 1), instant_at(row, 2));
        CHECK(length.has_value() != row[3].is_null());
        if (length && !row[3].is_null()) CHECK(*length == seconds_at(row, 3));
    }
    CHECK(vectors["add"].size() + vectors["subtract"].size() + vectors["between"].size() > 50);
}

TEST_CASE("calendar: a peer's vectors of business time", "[calendar]") {
    const auto path = shared("data/calendars/peer_vectors_zendesk_biz.json");
    if (path.empty()) return;
    const auto vectors = read_json(path);
    // There a time that clocks skip is moved by as much.
    const auto calendars = calendars_of(vectors["schedules"], Skipped::moved);
    std::size_t count = 0;
    const auto each = [&](const char* kind, auto&& check) {
        for (const auto& row : vectors[kind]) {
            INFO(kind << " " << row.dump());
            check(row);
            ++count;
        }
    };
    const auto calendar = [&](const Json& row) -> const Calendar& {
        return calendars.at(row[0].get<std::string>());
    };
    each("add", [&](const Json& row) {
        CHECK(text_of(calendar(row).add(instant_at(row, 1), seconds_at(row, 2), DueAt::first_instant)) ==
              text_of(row[3]));
    });
    each("subtract", [&](const Json& row) {
        CHECK(text_of(calendar(row).subtract(instant_at(row, 1), seconds_at(row, 2))) == text_of(row[3]));
    });
    each("add_days", [&](const Json& row) {
        CHECK(text_of(calendar(row).add_days(instant_at(row, 1), row[2].get<int>())) == text_of(row[3]));
    });
    each("subtract_days", [&](const Json& row) {
        CHECK(text_of(calendar(row).subtract_days(instant_at(row, 1), row[2].get<int>())) == text_of(row[3]));
    });
    each("within_seconds", [&](const Json& row) {
        CHECK(calendar(row).between(instant_at(row, 1), instant_at(row, 2)) == seconds_at(row, 3));
    });
    each("is_open",
         [&](const Json& row) { CHECK(calendar(row).is_open(instant_at(row, 1)) == row[2].get<bool>()); });
    each("periods_from", [&](const Json& row) {
        const auto from = instant_at(row, 1);
        const auto periods = calendar(row).periods(from, from + std::chrono::days(14));
        REQUIRE(periods.size() >= row[2].size());
        for (std::size_t i = 0; i < row[2].size(); ++i) {
            CHECK(engine::to_text(periods[i].opens) == row[2][i][0].get<std::string>());
            CHECK(engine::to_text(periods[i].closes) == row[2][i][1].get<std::string>());
        }
    });
    each("local_to_utc", [&](const Json& row) {
        CHECK(engine::to_text(zone_of(row[0].get<std::string>()).utc(local_of(row[1]), Skipped::moved)) ==
              text_of(row[2]));
    });
    CHECK(count == 42);
}

TEST_CASE("calendar: what clocks of thirty zones did", "[calendar]") {
    const auto path = shared("data/calendars/tz_transitions.json");
    if (path.empty()) return;
    // What comes later other versions of the database may say otherwise.
    const auto known_until = at("2025-03-01T00:00:00Z");
    std::size_t count = 0;
    const auto all = read_json(path);
    for (const auto& [name, zone] : all["zones"].items())
        for (const auto& change : zone["transitions"]) {
            if (at(change["utc"].get<std::string>()) >= known_until) continue;
            INFO(name << " " << change.dump());
            check_change(zone_of(name), change);
            ++count;
        }
    CHECK(count > 500);
}

TEST_CASE("calendar: what is no zone is refused", "[calendar]") {
    for (const std::string name :
         {"", "Europe/Atlantis", "../../../etc/passwd", "/etc/localtime", "localtime", "tzdata.zi"}) {
        INFO(name);
        const auto zone = Zone::named(name);
        REQUIRE_FALSE(zone);
        CHECK(zone.error().message.find("no time zone") != std::string::npos);
    }
    CHECK(Zone::named("UTC"));
    CHECK(Zone::named("Europe/Berlin")->name() == "Europe/Berlin");
}

}  // namespace calendar_vectors
