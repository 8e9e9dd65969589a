#pragma once
/// Timer: a durable future event of a lane.

#include <string>

#include "engine/base/json.h"
#include "engine/base/strong.h"
#include "engine/base/time.h"
#include "engine/model/subject.h"

namespace engine {

/// One per (tenant, subject, name): setting it again moves it.
struct Timer {
    TenantName tenant;
    int partition = 0;
    Subject subject;
    std::string name;
    Instant due{};
    Json body = Json::object();  ///< what the fired event carries
};

}  // namespace engine
