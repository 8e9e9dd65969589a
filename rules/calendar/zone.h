#pragma once
/// Zone: a time zone of the IANA database, as the machine has it. The home of Abseil's time zones, which also
/// know what the rules of a zone say of years that its file does not list.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"

namespace rules {

/// What a local time means that clocks skipped when they went forward.
enum class Skipped {
    first_instant,  ///< the first instant after it
    moved,          ///< as much later as clocks were set forward
};

/// A copy is cheap. Any thread.
class Zone {
public:
    /// Fails with invalid_input for a name that the database does not have, and with unavailable when there
    /// is no database.
    static engine::Result<Zone> named(const std::string& name);

    /// All that the machine's database has, for who misspells one.
    static std::vector<std::string> names();

    const std::string& name() const { return name_; }
    /// What clocks show there at that instant.
    std::chrono::local_time<engine::Duration> local(engine::Instant instant) const;
    /// When clocks show that; of a time that comes twice, as clocks go back, the first.
    engine::Instant utc(std::chrono::local_seconds local, Skipped skipped) const;

private:
    struct Data;
    Zone(std::string name, std::shared_ptr<const Data> data)
        : name_(std::move(name)), data_(std::move(data)) {}

    std::string name_;
    std::shared_ptr<const Data> data_;
};

}  // namespace rules
