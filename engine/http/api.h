#pragma once
/// Api: the Service that stands for the engine – finds the route, checks the key, calls the handler.

#include <memory>

#include "engine/http/key_ring.h"
#include "engine/http/route.h"
#include "engine/http/service.h"

namespace engine::http {

struct ApiOptions {
    std::size_t body_bytes_max = 1024 * 1024;  ///< of routes that take a body; hooks have their connection's
    std::size_t batch_events_max = 1000;
    IntakeLimits intake;  ///< of webhooks whose connector calls functions of its own
    Duration intake_script_deadline = std::chrono::milliseconds(500);  ///< of one webhook's together
    KeyRingOptions keys;
};

/// Network thread only. The collaborators outlive it; questions to the door may still be answered afterwards.
class Api final : public Service {
public:
    Api(EngineDoor& door, const Clock& clock, const Metrics& metrics, Post post, ApiOptions options = {});

    void admit(const RequestHead& head, std::function<void(Admission)> done) override;
    void handle(const Request& request, const Admission& admission,
                std::function<void(Response)> done) override;

    /// From now on `/readyz` says no, so that nobody sends more, and webhooks that wait for their functions
    /// are answered 503; everything else goes on.
    void drain();

private:
    void admit_hook(std::shared_ptr<Visit> visit, const std::function<void(Admission)>& done);
    void admit_key(const RequestHead& head, std::shared_ptr<Visit> visit,
                   std::function<void(Admission)> done);
    Admission admitted(std::shared_ptr<const Visit> visit) const;

    ApiOptions options_;
    IntakeThreads intake_threads_;
    Context context_;
    std::shared_ptr<KeyRing> keys_;
};

}  // namespace engine::http
