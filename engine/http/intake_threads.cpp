#include "engine/http/intake_threads.h"

#include <boost/asio/post.hpp>
#include <utility>

namespace engine::http {

IntakeThreads::~IntakeThreads() {
    threads_.stop();
    threads_.join();
}

bool IntakeThreads::post(std::function<void()> work) {
    if (++waiting_ > waiting_max_) {
        --waiting_;
        return false;
    }
    boost::asio::post(threads_, [this, work = std::move(work)] {
        work();
        --waiting_;
    });
    return true;
}

}  // namespace engine::http
