#include "engine/http/key_ring.h"

#include <utility>

namespace engine::http {

/// One question to the store. Going away unasked – the engine had no room for it – is an answer too.
class KeyRing::Asking {
public:
    explicit Asking(std::function<void(Answer)> done) : done_(std::move(done)) {}
    Asking(const Asking&) = delete;
    ~Asking() {
        if (done_) done_(unavailable("too many questions wait"));
    }
    void answer(Answer answer) { std::exchange(done_, nullptr)(std::move(answer)); }

private:
    std::function<void(Answer)> done_;
};

KeyRing::KeyRing(EngineDoor& door, const Clock& clock, Post post, KeyRingOptions options)
    : door_(door), clock_(clock), post_(std::move(post)), options_(options) {}

bool KeyRing::is_fresh(Instant since, Duration span) const {
    // A clock that was set back must not keep a revoked key alive.
    const auto now = clock_.now();
    return now >= since && now - since < span;
}

void KeyRing::find(const std::string& id, std::function<void(const Answer&)> done) {
    const auto known = remembered_.find(id);
    if (known != remembered_.end() && is_fresh(known->second.since, options_.remembered))
        return done(known->second.key);
    auto& question = questions_[id];
    question.waiting.push_back(std::move(done));
    if (question.waiting.size() > 1) return;
    question.asked = clock_.now();
    ask(id);
}

void KeyRing::ask(const std::string& id) {
    auto asking = std::make_shared<Asking>([post = post_, weak = weak_from_this(), id](Answer answer) {
        post([weak, id, answer = std::move(answer)] {
            if (const auto self = weak.lock()) self->answered(id, answer);
        });
    });
    door_.ask([asking = std::move(asking), id](Store& store) { asking->answer(store.key(id)); });
}

void KeyRing::answered(const std::string& id, const Answer& answer) {
    if (answer) remember(id, *answer);
    auto question = questions_.extract(id);
    if (question.empty()) return;
    for (const auto& done : question.mapped().waiting) done(answer);
}

void KeyRing::remember(const std::string& id, const std::optional<ApiKey>& key) {
    if (remembered_.size() >= options_.keys_max)
        std::erase_if(remembered_,
                      [&](const auto& entry) { return !is_fresh(entry.second.since, options_.remembered); });
    if (remembered_.size() >= options_.keys_max) remembered_.clear();
    // From when the answer was true at the latest: the question may have waited for long.
    remembered_[id] = {key, questions_.contains(id) ? questions_[id].asked : clock_.now()};
}

}  // namespace engine::http
