#include "rules/calendar/zone.h"

#include <absl/time/civil_time.h>
#include <absl/time/time.h>

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace rules {

using engine::Instant;

struct Zone::Data {
    absl::TimeZone zone;
};

namespace {

/// Files are found by their names, so what leads elsewhere is none; `localtime` is whatever the machine is
/// set to.
bool is_name(const std::string& name) {
    return !name.empty() && name.front() != '/' && name.find('.') == std::string::npos && name != "localtime";
}

bool is_there(const std::string& name) {
    absl::TimeZone zone;
    return absl::LoadTimeZone(name, &zone);
}

absl::CivilSecond civil(std::chrono::local_seconds local) {
    return absl::CivilSecond(1970) + local.time_since_epoch().count();
}

Instant instant_of(absl::Time time) {
    return Instant(std::chrono::seconds(absl::ToUnixSeconds(time)));
}

}  // namespace

engine::Result<Zone> Zone::named(const std::string& name) {
    auto data = std::make_shared<Data>();
    if (is_name(name) && absl::LoadTimeZone(name, &data->zone)) return Zone(name, std::move(data));
    if (!is_there("Europe/London"))
        return engine::unavailable("the machine has no time zones: install tzdata");
    return engine::invalid("\"" + name + "\" is no time zone such as Europe/Stockholm or UTC");
}

std::vector<std::string> Zone::names() {
    namespace fs = std::filesystem;
    const char* given = std::getenv("TZDIR");
    const fs::path root = given == nullptr ? "/usr/share/zoneinfo" : given;
    std::vector<std::string> names;
    std::error_code failed;
    for (auto entry = fs::recursive_directory_iterator(root, failed);
         !failed && entry != fs::recursive_directory_iterator(); entry.increment(failed)) {
        const auto name = entry->path().lexically_relative(root).generic_string();
        // Copies of the others, which count leap seconds or do not.
        const bool is_copy = name == "posix" || name == "right";
        if (is_copy) entry.disable_recursion_pending();
        if (is_name(name) && std::isupper(static_cast<unsigned char>(name.front())) != 0 &&
            entry->is_regular_file(failed))
            names.push_back(name);
    }
    return names;
}

std::chrono::local_time<engine::Duration> Zone::local(Instant instant) const {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(instant).time_since_epoch();
    const auto offset = data_->zone.At(absl::FromUnixSeconds(seconds.count())).offset;
    return std::chrono::local_time<engine::Duration>(instant.time_since_epoch() +
                                                     std::chrono::seconds(offset));
}

Instant Zone::utc(std::chrono::local_seconds local, Skipped skipped) const {
    const auto info = data_->zone.At(civil(local));
    const bool is_skipped = info.kind == absl::TimeZone::TimeInfo::SKIPPED;
    // By the offset before the change: in a gap that is later, of two times it is the first.
    return instant_of(is_skipped && skipped == Skipped::first_instant ? info.trans : info.pre);
}

}  // namespace rules
