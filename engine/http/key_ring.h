#pragma once
/// KeyRing: looks API keys up by id and remembers them for a few seconds.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/pipeline/engine.h"
#include "engine/store/store.h"

namespace engine::http {

/// Runs a piece of work on the network thread; may be called from any thread.
using Post = std::function<void(std::function<void()>)>;

struct KeyRingOptions {
    Duration remembered = std::chrono::seconds(3);  ///< so long a revoked key may still work
    std::size_t keys_max = 10'000;
};

/// Network thread only. Unknown ids are remembered too, so that guessing costs the store nothing.
class KeyRing : public std::enable_shared_from_this<KeyRing> {
public:
    using Answer = Result<std::optional<ApiKey>>;
    KeyRing(EngineDoor& door, const Clock& clock, Post post, KeyRingOptions options = {});

    /// Calls `done` at once when the key is remembered, else later on the network thread.
    void find(const std::string& id, std::function<void(const Answer&)> done);

private:
    class Asking;
    struct Remembered {
        std::optional<ApiKey> key;
        Instant since;
    };
    struct Question {
        Instant asked;
        std::vector<std::function<void(const Answer&)>> waiting;
    };

    bool is_fresh(Instant since, Duration span) const;
    void ask(const std::string& id);
    void answered(const std::string& id, const Answer& answer);
    void remember(const std::string& id, const std::optional<ApiKey>& key);

    EngineDoor& door_;
    const Clock& clock_;
    Post post_;
    KeyRingOptions options_;
    std::unordered_map<std::string, Remembered> remembered_;
    std::unordered_map<std::string, Question> questions_;
};

}  // namespace engine::http
