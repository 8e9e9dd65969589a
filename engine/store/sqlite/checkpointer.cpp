#include "engine/store/sqlite/checkpointer.h"

namespace engine {
namespace {

/// Commits go on during a pass, and only a log that is written back whole begins anew: the little that came
/// meanwhile is taken in further rounds. A writer that outruns them does the rest itself.
constexpr int rounds_max = 8;
constexpr int pages_worth_a_round = 500;
constexpr std::size_t cache_bytes = 64 * 1024;

}  // namespace

Result<std::unique_ptr<Checkpointer>> Checkpointer::start(const std::string& path) {
    auto database = Database::open(path, {false, false, cache_bytes, Duration{}});
    if (!database) return database.error();
    return std::unique_ptr<Checkpointer>(new Checkpointer(*std::move(database)));
}

Checkpointer::Checkpointer(std::unique_ptr<Database> database)
    : database_(std::move(database)), thread_([this] { run(); }) {}

Checkpointer::~Checkpointer() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    woken_.notify_one();
    thread_.join();
}

void Checkpointer::wake() {
    {
        const std::lock_guard lock(mutex_);
        wanted_ = true;
    }
    woken_.notify_one();
}

void Checkpointer::run() {
    std::unique_lock lock(mutex_);
    while (true) {
        woken_.wait(lock, [this] { return wanted_ || stopping_; });
        if (stopping_) return;
        wanted_ = false;
        lock.unlock();
        pass();
        lock.lock();
    }
}

void Checkpointer::pass() {
    for (int round = 0; round < rounds_max; ++round) {
        const auto log = database_->write_back_log();
        // Any other failure leaves the log as it is: it grows until the writer writes it back and hears of
        // it.
        if (database_->failed()) failed_ = true;
        if (!log) return;
        const int left = log->pages - log->written_back;
        if (left == 0 || left > pages_worth_a_round) return;
    }
}

}  // namespace engine
