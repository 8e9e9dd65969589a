#include "engine/app/bench_load.h"

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include "engine/app/bench_wire.h"

namespace engine::app {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

/// One connection and the event it waits for the answer to.
struct BenchLoad::Line {
    explicit Line(asio::io_context& network) : socket(network.get_executor()) {}

    asio::basic_stream_socket<tcp, Executor> socket;
    std::array<char, 4096> chunk;
    std::string in;
    std::size_t event = 0;
};

BenchLoad::BenchLoad(asio::io_context& network, const std::vector<std::string>& requests, BenchTally& tally)
    : network_(network), requests_(requests), tally_(tally), timer_(network.get_executor()) {}

BenchLoad::~BenchLoad() = default;

Result<void> BenchLoad::connect(std::uint16_t port, std::size_t connections) {
    for (std::size_t i = 0; i < connections; ++i) {
        auto line = std::make_unique<Line>(network_);
        error_code error;
        line->socket.connect({asio::ip::address_v4::loopback(), port}, error);
        if (!error) line->socket.set_option(tcp::no_delay(true), error);
        if (error)
            return unavailable("no connection to port " + std::to_string(port) + ": " + error.message());
        lines_.push_back(std::move(line));
        free_.push_back(lines_.back().get());
    }
    lines_at_work_ = connections;
    return {};
}

void BenchLoad::begin(const EventRange& events) {
    events_ = events;
    next_ = released_ = events.first;
    answered_ = 0;
    start_ = BenchTally::SteadyClock::now();
}

void BenchLoad::flat_out(const EventRange& events) {
    begin(events);
    interval_seconds_ = 0;
    released_ = events.end;
    pump();
}

void BenchLoad::at_rate(const EventRange& events, double events_per_second) {
    begin(events);
    interval_seconds_ = 1 / events_per_second;
    release_due();
}

BenchTally::Time BenchLoad::due_time(std::size_t event) const {
    const std::chrono::duration<double> after(interval_seconds_ * static_cast<double>(event - events_.first));
    return start_ + std::chrono::duration_cast<BenchTally::SteadyClock::duration>(after);
}

void BenchLoad::release_due() {
    const auto now = BenchTally::SteadyClock::now();
    while (released_ < events_.end && due_time(released_) <= now) ++released_;
    pump();
    if (released_ == events_.end) return;
    timer_.expires_at(due_time(released_));
    timer_.async_wait([self = shared_from_this()](const error_code& error) {
        if (!error) self->release_due();
    });
}

void BenchLoad::pump() {
    while (next_ < released_ && !free_.empty()) {
        Line& line = *free_.back();
        free_.pop_back();
        const auto event = next_++;
        send(line, event, interval_seconds_ > 0 ? due_time(event) : BenchTally::SteadyClock::now());
    }
}

void BenchLoad::send(Line& line, std::size_t event, BenchTally::Time due) {
    line.event = event;
    tally_.sent(event, due, BenchTally::SteadyClock::now());
    asio::async_write(line.socket, asio::buffer(requests_[event]),
                      [self = shared_from_this(), &line](const error_code& error, std::size_t) {
                          if (error) return self->lose(line, error.message());
                          self->read(line);
                      });
}

void BenchLoad::read(Line& line) {
    line.socket.async_read_some(asio::buffer(line.chunk), [self = shared_from_this(), &line](
                                                              const error_code& error, std::size_t bytes) {
        if (error) return self->lose(line, error.message());
        line.in.append(line.chunk.data(), bytes);
        self->take_answer(line);
    });
}

void BenchLoad::take_answer(Line& line) {
    const auto answer = first_message(line.in);
    if (!answer) return read(line);
    const int status = status_of(*answer);
    if (status / 100 == 2) {
        tally_.acknowledged(line.event, BenchTally::SteadyClock::now());
    } else {
        tally_.refused();
        note("answer " + std::to_string(status) + ": " + std::string(answer->body.substr(0, 200)));
    }
    line.in.erase(0, answer->size());
    ++answered_;
    free_.push_back(&line);
    pump();
}

void BenchLoad::lose(Line& line, const std::string& why) {
    note("event " + std::to_string(line.event) + ": " + why);
    --lines_at_work_;
}

void BenchLoad::note(const std::string& what) {
    if (trouble_.empty()) trouble_ = what;
}

}  // namespace engine::app
