#include "connectors/kit/http_client_exchange.h"

#include <sys/socket.h>

#include <algorithm>
#include <tuple>

#include "connectors/kit/form.h"

namespace connectors {

using boost::system::error_code;
using engine::Result;

namespace {

constexpr int interim_answers_max = 8;

bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
        return c > 0x20 && c < 0x7F &&
               std::string_view("()<>@,;:\\\"/[]?={}").find(static_cast<char>(c)) == std::string_view::npos;
    });
}

bool is_one_line(std::string_view text) {
    return std::none_of(text.begin(), text.end(),
                        [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7F; });
}

engine::Error reading_error(const error_code& code, const HttpClientOptions& options) {
    if (code == http::error::body_limit)
        return engine::exhausted("the answer is longer than response_bytes_max = " +
                                 std::to_string(options.response_bytes_max));
    if (code == http::error::header_limit || code == http::error::buffer_overflow)
        return engine::exhausted("the answer's headers are longer than response_header_bytes_max = " +
                                 std::to_string(options.response_header_bytes_max));
    const auto what =
        code == beast::error::timeout ? "no whole answer in time" : "no whole answer: " + code.message();
    return {engine::Code::outcome_unknown, what};
}

template <class Parser>
HttpResponse response_of(Parser& parser) {
    HttpResponse response;
    response.status = static_cast<int>(parser.get().result_int());
    for (const auto& field : parser.get()) response.headers.emplace_back(field.name_string(), field.value());
    response.body = std::move(parser.get().body());
    return response;
}

bool is_interim(unsigned status) {
    return status >= 100 && status < 200 && status != 101;
}

/// Reads one answer, skipping interim ones. The caller's frame owns the arguments and waits for the end.
template <class Stream>
asio::awaitable<Exchange> read_answer(Stream& stream, beast::flat_buffer& buffer, bool is_head,
                                      const HttpClientOptions& options) {
    Exchange exchange;
    bool any = buffer.size() > 0;
    for (int interim = 0; interim <= interim_answers_max; ++interim) {
        http::response_parser<http::string_body> parser;
        parser.header_limit(static_cast<std::uint32_t>(options.response_header_bytes_max));
        parser.body_limit(options.response_bytes_max);
        parser.skip(is_head);
        const auto [header_code, header_bytes] =
            co_await http::async_read_header(stream, buffer, parser, quietly);
        any = any || header_bytes > 0 || buffer.size() > 0 || parser.got_some();
        if (header_code) {
            exchange.response = reading_error(header_code, options);
            exchange.unanswered = !any && header_code != beast::error::timeout;
            co_return exchange;
        }
        if (is_interim(parser.get().result_int())) continue;
        if (!parser.is_done()) {
            const auto [code, bytes] = co_await http::async_read(stream, buffer, parser, quietly);
            if (code) {
                exchange.response = reading_error(code, options);
                co_return exchange;
            }
        }
        exchange.reusable = parser.keep_alive() && !parser.need_eof() && buffer.size() == 0;
        exchange.response = response_of(parser);
        co_return exchange;
    }
    exchange.response =
        engine::exhausted("more than " + std::to_string(interim_answers_max) + " interim answers");
    co_return exchange;
}

/// The request's bytes.
std::string serialized(Message& message) {
    http::request_serializer<http::string_body> serializer(message);
    std::string bytes;
    error_code code;
    while (!serializer.is_done() && !code)
        serializer.next(code, [&](error_code&, const auto& buffers) {
            for (const auto part : beast::buffers_range_ref(buffers))
                bytes.append(static_cast<const char*>(part.data()), part.size());
            serializer.consume(beast::buffer_bytes(buffers));
        });
    return bytes;
}

/// What the system takes at once; errors are left to whoever sends the rest.
std::size_t send_at_once(beast::tcp_stream& stream, std::string_view bytes) {
    const auto count =
        ::send(stream.socket().native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return count > 0 ? static_cast<std::size_t>(count) : 0;
}
std::size_t send_at_once(beast::ssl_stream<beast::tcp_stream>&, std::string_view) {
    return 0;
}

template <class Stream>
asio::awaitable<Exchange> exchange_on(Stream& stream, beast::flat_buffer& buffer, Message& message,
                                      const HttpClientOptions& options) {
    const auto bytes = serialized(message);
    if (options.may_send && !options.may_send()) {
        Exchange exchange;
        exchange.held_back = true;
        exchange.reusable = true;
        co_return exchange;
    }
    const auto rest = std::string_view(bytes).substr(send_at_once(stream, bytes));
    error_code code;
    if (!rest.empty())
        std::tie(code, std::ignore) = co_await asio::async_write(stream, asio::buffer(rest), quietly);
    if (code) {
        Exchange exchange;
        const auto what =
            code == beast::error::timeout ? "the request was not taken in time" : code.message();
        exchange.response = engine::Error{engine::Code::outcome_unknown, "while sending: " + what};
        exchange.unanswered = code != beast::error::timeout;
        co_return exchange;
    }
    co_return co_await read_answer(stream, buffer, message.method() == http::verb::head, options);
}

}  // namespace

// Beast writes names and values as they are, so they are checked here.
Result<Message> message_of(HttpRequest&& request, const Url& url) {
    Message message;
    message.version(11);
    if (!is_token(request.method)) return engine::invalid("the method is not a token");
    message.method_string(request.method);
    message.target(url.target);
    message.set(http::field::host, authority_of(url));
    for (const auto& [name, value] : request.headers) {
        if (!is_token(name) || !is_one_line(value)) return engine::invalid("a header is not a single line");
        if (same_name(name, "Host") || same_name(name, "Content-Length") ||
            same_name(name, "Transfer-Encoding") || same_name(name, "Connection"))
            continue;
        message.insert(name, value);
    }
    message.body() = std::move(request.body);
    if (!message.body().empty() || (request.method != "GET" && request.method != "HEAD"))
        message.prepare_payload();
    return message;
}

bool is_usable(Wire& wire) {
    char byte = 0;
    const auto count = ::recv(wire.tcp().socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

asio::awaitable<Exchange> exchange_over(Wire& wire, Message& message, Time deadline,
                                        const HttpClientOptions& options) {
    wire.tcp().expires_at(deadline);
    if (wire.plain) co_return co_await exchange_on(*wire.plain, wire.buffer, message, options);
    co_return co_await exchange_on(*wire.tls, wire.buffer, message, options);
}

}  // namespace connectors
