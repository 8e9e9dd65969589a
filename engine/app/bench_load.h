#pragma once
/// BenchLoad: sends prepared requests over keep-alive connections, flat out or at a fixed rate.

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/app/bench_tally.h"
#include "engine/base/result.h"

namespace engine::app {

/// Runs on the thread that runs `network`; requests and tally outlive it.
class BenchLoad : public std::enable_shared_from_this<BenchLoad> {
public:
    /// `requests[i]` is event i.
    BenchLoad(boost::asio::io_context& network, const std::vector<std::string>& requests, BenchTally& tally);
    ~BenchLoad();

    /// Fails with unavailable.
    Result<void> connect(std::uint16_t port, std::size_t connections);

    /// Every connection sends its next event as soon as the last one is answered.
    void flat_out(const EventRange& events);
    /// Event n is due n / rate seconds from now, whether or not a connection is free then.
    void at_rate(const EventRange& events, double events_per_second);

    /// All events of the range are answered, or nothing can be sent any more.
    bool done() const { return answered_ == events_.size() || lines_at_work_ == 0; }
    /// The first connection that broke or answer that was no 2xx; empty when there was none.
    const std::string& trouble() const { return trouble_; }

private:
    struct Line;
    using Executor = boost::asio::io_context::executor_type;
    using Timer =
        boost::asio::basic_waitable_timer<BenchTally::SteadyClock,
                                          boost::asio::wait_traits<BenchTally::SteadyClock>, Executor>;

    void begin(const EventRange& events);
    /// Sends what is due as long as a connection is free.
    void pump();
    void release_due();
    BenchTally::Time due_time(std::size_t event) const;
    void send(Line& line, std::size_t event, BenchTally::Time due);
    void read(Line& line);
    void take_answer(Line& line);
    void lose(Line& line, const std::string& why);
    void note(const std::string& what);

    boost::asio::io_context& network_;
    const std::vector<std::string>& requests_;
    BenchTally& tally_;
    Timer timer_;
    std::vector<std::unique_ptr<Line>> lines_;
    std::vector<Line*> free_;
    std::size_t lines_at_work_ = 0;  ///< not broken
    EventRange events_;
    std::size_t next_ = 0;      ///< the first event not sent
    std::size_t released_ = 0;  ///< events before it are due
    std::size_t answered_ = 0;
    BenchTally::Time start_{};
    double interval_seconds_ = 0;  ///< 0 = flat out
    std::string trouble_;
};

}  // namespace engine::app
