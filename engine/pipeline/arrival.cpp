#include "engine/pipeline/arrival.h"

#include <string_view>
#include <utility>

#include "rules/matcher/raw_reader.h"

namespace engine {

Digest content_digest(const Event& event, std::string_view canonical_data) {
    const std::string_view nul("\0", 1);
    return sha256({event.type, nul, event.subject.text(), nul, event.time ? to_text(*event.time) : "", nul,
                   canonical_data, nul, canonical_json(event.extensions)});
}

Arrival arrival_of(Event event, const Tenant* tenant) {
    // What is decided is what the journal says.
    make_plain(event.data);
    make_plain(event.extensions);
    Arrival arrival;
    arrival.data = canonical_json(event.data);
    arrival.digest = content_digest(event, arrival.data);
    if (tenant != nullptr && tenant->matcher->listens_to(event.type)) {
        const auto size = arrival.data.size();
        arrival.data.resize(size + rules::RawReader::padding());
        arrival.payload = tenant->matcher->read_payload(std::string_view(arrival.data).substr(0, size));
        arrival.data.resize(size);
    }
    arrival.event = std::make_shared<const Event>(std::move(event));
    return arrival;
}

std::vector<Arrival> arrivals_of(
    std::vector<Event> events,
    const std::function<std::shared_ptr<const Tenant>(const TenantName&)>& tenant_of) {
    std::vector<Arrival> arrivals;
    arrivals.reserve(events.size());
    for (auto& event : events) {
        const auto tenant = tenant_of(event.tenant);
        arrivals.push_back(arrival_of(std::move(event), tenant.get()));
    }
    return arrivals;
}

}  // namespace engine
