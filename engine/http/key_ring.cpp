#include "engine/http/key_ring.h"

#include <utility>

namespace engine::http {

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
    const bool asking = !question.waiting.empty() && is_fresh(question.asked, options_.asked_again);
    question.waiting.push_back(std::move(done));
    if (asking) return;
    question.asked = clock_.now();
    ask(id);
}

void KeyRing::ask(const std::string& id) {
    door_.ask([post = post_, weak = weak_from_this(), id](Store& store) {
        post([weak, id, answer = store.key(id)] {
            if (const auto self = weak.lock()) self->answered(id, answer);
        });
    });
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
