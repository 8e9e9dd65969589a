#include "engine/http/intake_threads.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "engine/http/problem.h"

namespace engine::http {
namespace {

constexpr auto stopping = "the engine is stopping; send the same again";

bool is_given_up(const IntakeWork& work) {
    return work.given_up != nullptr && *work.given_up;
}

void refuse(const IntakeWork& work, const std::string& why) {
    work.respond(to_response(Problem{503, "overloaded", why}));
}

void refuse_all(const std::deque<IntakeWork>& given_up) {
    for (const auto& work : given_up) refuse(work, "nobody waited for the answer any more; it was not read");
}

}  // namespace

IntakeThreads::~IntakeThreads() {
    threads_.stop();
    threads_.join();
}

void IntakeThreads::post(IntakeWork work, bool several) {
    Waiting given_up;
    std::string full;
    {
        const std::lock_guard lock(mutex_);
        full = why_full(work.tenant, several);
        if (!full.empty() && !closed_) {
            given_up = take_given_up();
            full = why_full(work.tenant, several);
        }
        if (full.empty()) {
            waiting_[work.tenant].push_back(std::move(work));
            ++size_;
        }
    }
    refuse_all(given_up);
    if (!full.empty()) return refuse(work, full);
    // One for each that waits: it reads the next in turn, not what was posted with it.
    boost::asio::post(threads_, [this] { read_next(); });
}

std::size_t IntakeThreads::waiting() const {
    const std::lock_guard lock(mutex_);
    return size_;
}

void IntakeThreads::close() {
    Waitings waiting;
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        waiting = std::exchange(waiting_, {});
        size_ = 0;
    }
    for (const auto& [tenant, works] : waiting)
        for (const auto& work : works) refuse(work, stopping);
}

void IntakeThreads::read_next() {
    Waiting given_up;
    std::optional<IntakeWork> next;
    {
        const std::lock_guard lock(mutex_);
        next = take(given_up);
    }
    refuse_all(given_up);
    if (next) next->read();
}

std::string IntakeThreads::why_full(const TenantName& tenant, bool several) const {
    if (closed_) return stopping;
    if (size_ >= limits_.waiting_max) return "too many webhooks wait; send the same again";
    if (!several) return "";
    const auto own = waiting_.find(tenant);
    const auto max = std::max<std::size_t>(1, limits_.waiting_max * limits_.tenant_percent / 100);
    if (own == waiting_.end() || own->second.size() < max) return "";
    return "too many webhooks of this tenant wait; send the same again";
}

IntakeThreads::Waitings::iterator IntakeThreads::next_tenant() {
    return std::min_element(waiting_.begin(), waiting_.end(), [this](const auto& one, const auto& other) {
        return begun_[one.first] < begun_[other.first];
    });
}

std::optional<IntakeWork> IntakeThreads::take(Waiting& given_up) {
    std::optional<IntakeWork> next;
    while (!next && !waiting_.empty()) {
        const auto own = next_tenant();
        auto& works = own->second;
        for (; !next && !works.empty(); works.pop_front(), --size_) {
            if (is_given_up(works.front()))
                given_up.push_back(std::move(works.front()));
            else
                next = std::move(works.front());
        }
        if (next) begun_[own->first] = ++begun_count_;
        if (works.empty()) waiting_.erase(own);
    }
    return next;
}

IntakeThreads::Waiting IntakeThreads::take_given_up() {
    Waiting given_up;
    for (auto& [tenant, works] : waiting_) {
        Waiting left;
        for (auto& work : works) (is_given_up(work) ? given_up : left).push_back(std::move(work));
        works = std::move(left);
    }
    std::erase_if(waiting_, [](const auto& own) { return own.second.empty(); });
    size_ -= given_up.size();
    return given_up;
}

}  // namespace engine::http
