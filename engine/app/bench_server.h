#pragma once
/// BenchServer: a destination on this machine that answers every request at once with 200 and `{}`.

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "engine/base/result.h"

namespace engine::app {

/// Runs on the thread that runs `network`.
class BenchServer {
public:
    /// Sees each request's body before it is answered; false closes the connection instead.
    using Receive = std::function<bool(std::string_view body)>;

    /// Listens on a free loopback port. Fails with unavailable.
    static Result<std::unique_ptr<BenchServer>> open(boost::asio::io_context& network, Receive receive);
    ~BenchServer();

    std::uint16_t port() const;

private:
    struct House;
    explicit BenchServer(std::shared_ptr<House> house);
    std::shared_ptr<House> house_;
};

}  // namespace engine::app
