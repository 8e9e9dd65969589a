#include "engine/http/connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "engine/http/chunked.h"
#include "engine/http/problem.h"

namespace engine::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr asio::use_awaitable_t<Executor> awaited;
/// What is kept of a connection's memory between two requests.
constexpr std::size_t kept_bytes_max = 64 * 1024;
/// What is read and thrown away after our last answer, so that the peer can read it before the connection
/// resets.

constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";

/// Labels in metrics must not grow with what clients make up.
std::string_view known_method(std::string_view method) {
    for (const std::string_view known : {"GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"})
        if (method == known) return known;
    return "OTHER";
}

bool is_sane_id(std::string_view id) {
    constexpr std::string_view letters =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._:+/=-";
    return !id.empty() && id.size() <= 128 && id.find_first_not_of(letters) == std::string_view::npos;
}

bool has_no_body(int status) {
    return status == 204 || status == 304 || status < 200;
}

void put_two(std::string& out, int number) {
    out += static_cast<char>('0' + number / 10);
    out += static_cast<char>('0' + number % 10);
}

/// `Mon, 04 May 2026 08:00:00 GMT`.
std::string date_text(Instant now) {
    using namespace std::chrono;
    constexpr std::string_view days = "SunMonTueWedThuFriSat";
    constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const auto day = floor<std::chrono::days>(now);
    const year_month_day date(day);
    const hh_mm_ss time(floor<seconds>(now - day));
    std::string out(days.substr(weekday(day).c_encoding() * 3, 3));
    out += ", ";
    put_two(out, static_cast<int>(unsigned(date.day())));
    out.append(" ").append(months.substr((unsigned(date.month()) - 1) * 3, 3)).append(" ");
    out += std::to_string(int(date.year())) + ' ';
    put_two(out, static_cast<int>(time.hours().count()));
    out += ':';
    put_two(out, static_cast<int>(time.minutes().count()));
    out += ':';
    put_two(out, static_cast<int>(time.seconds().count()));
    return out + " GMT";
}

Refusal no_room() {
    return {503, "no-room", "too many requests are being read; try again"};
}

Refusal body_timeout() {
    return {408, "body-timeout", "the body did not come in time"};
}

void put_header(std::string& out, std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append("\r\n");
}

/// A callback that hands its value to the connection on the network thread, if it still waits for this
/// turn's.
template <class T>
std::function<void(T)> receiver(Connection& connection, const Executor& executor,
                                void (Connection::*take)(std::uint64_t, T), std::uint64_t turn) {
    return [weak = connection.weak_from_this(), executor, take, turn](T value) {
        asio::dispatch(executor, [weak, take, turn, value = std::move(value)]() mutable {
            if (const auto self = weak.lock()) (self.get()->*take)(turn, std::move(value));
        });
    };
}

}  // namespace

const std::string& House::http_date() {
    const auto now = clock.now();
    const auto second = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
    if (second != date_second) {
        date = date_text(now);
        date_second = second;
    }
    return date;
}

Connection::Connection(std::shared_ptr<House> house, Socket socket, std::string peer)
    : house_(std::move(house)),
      socket_(std::move(socket)),
      wake_(socket_.get_executor()),
      peer_(std::move(peer)) {
    wake_.expires_at(Monotonic::time_point::max());
    house_->connections.insert(this);
    house_->metrics.connection_opened();
    enter(Phase::head);
}

Connection::~Connection() {
    release_body();
    house_->connections.erase(this);
    if (house_->abandoned) return;
    house_->metrics.connection_closed();
    if (house_->connections.empty()) house_->emptied();
}

Duration Connection::limit_of(Phase phase) const {
    const auto& options = house_->options;
    switch (phase) {
        case Phase::idle:
            return options.idle_deadline;
        case Phase::head:
            return options.head_deadline;
        case Phase::body:
            return options.body_deadline;
        case Phase::admission:
        case Phase::answer:
            return options.answer_deadline;
        case Phase::write:
            return options.write_deadline;
        case Phase::linger:
            return options.linger_deadline;
    }
    return {};
}

void Connection::enter(Phase phase) {
    phase_ = phase;
    since_ = Monotonic::now();
    deadline_ = since_ + limit_of(phase);
    expired_ = false;
}

void Connection::close() {
    error_code ignored;
    socket_.close(ignored);
    wake_.cancel();
}

void Connection::expire() {
    if (phase_ == Phase::write || phase_ == Phase::linger) return close();
    expired_ = true;
    wake_.cancel();
    error_code ignored;
    socket_.cancel(ignored);
}

bool Connection::too_slow(Monotonic::time_point now) const {
    if (phase_ != Phase::body || now - since_ < house_->options.body_grace) return false;
    const auto seconds = std::chrono::duration<double>(now - since_).count();
    return static_cast<double>(body_.size()) <
           seconds * static_cast<double>(house_->options.body_bytes_per_second_min);
}

/// Tells who wants to know that the peer has gone. One that has only stopped sending looks the same, until
/// something is sent: it passes over an interim answer, while a connection that is closed is reset by it.
void Connection::look_after_peer() {
    pollfd peer{socket_.native_handle(), POLLRDHUP, 0};
    if (!socket_.is_open() || ::poll(&peer, 1, 0) <= 0) return;
    if ((peer.revents & (POLLERR | POLLHUP)) != 0) return given_up_->store(true);
    if (peer_probed_ || head_.minor == 0) return;
    peer_probed_ = true;
    const auto sent = ::send(peer.fd, go_on.data(), go_on.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0 && static_cast<std::size_t>(sent) < go_on.size()) close();
}

void Connection::check_deadline(Monotonic::time_point now) {
    if (given_up_ && given_up_.use_count() > 1) look_after_peer();
    if (now >= deadline_ || too_slow(now)) expire();
}

std::optional<Monotonic::time_point> Connection::waiting_since() const {
    const bool waits = phase_ == Phase::idle || phase_ == Phase::head || phase_ == Phase::linger;
    return waits && socket_.is_open() ? std::optional(since_) : std::nullopt;
}

bool Connection::is_quiet() {
    const bool waiting =
        (phase_ == Phase::idle || phase_ == Phase::head) && begin_ == end_ && head_bytes_.empty();
    error_code error;
    return waiting && socket_.available(error) == 0;
}

Task<void> Connection::run() {
    // Not `while (co_await …) {}`: GCC 12 makes an illegal instruction of that.
    for (bool more = true; more;) more = co_await serve_one();
    if (socket_.is_open() && !peer_gone_) co_await linger();
    close();
}

Task<bool> Connection::serve_one() {
    if (!co_await read_head()) co_return false;
    const Admission admission = co_await ask_admission();
    route_ = admission.route;
    if (admission.refused) co_return co_await answer(*admission.refused, !head_.body.has_body());
    if (head_.body.has_body()) {
        if (!co_await read_body(admission.body_bytes_max)) co_return false;
    }
    const Response response = co_await ask_answer(admission);
    release_body();
    co_return co_await answer(response, true);
}

Task<bool> Connection::fill() {
    error_code error;
    begin_ = end_ = 0;
    end_ = co_await socket_.async_read_some(asio::buffer(in_), asio::redirect_error(awaited, error));
    if (!error) co_return true;
    end_ = 0;
    peer_gone_ = !expired_;
    co_return false;
}

std::optional<HeadFinder::Answer> Connection::look_for_head(HeadFinder& finder) {
    head_bytes_.append(in_.data() + begin_, end_ - begin_);
    begin_ = end_;
    // One empty line before a request is what old clients send after a body.
    if (may_skip_line_ && head_bytes_.starts_with("\r\n")) head_bytes_.erase(0, 2);
    may_skip_line_ = may_skip_line_ && head_bytes_ == "\r";
    if (head_bytes_.empty() || may_skip_line_) return {};
    const auto answer = finder.look(head_bytes_);
    if (const auto* found = std::get_if<HeadFinder::Found>(&answer)) {
        begin_ -= head_bytes_.size() - found->length;
        head_bytes_.resize(found->length);
    }
    return answer;
}

Task<bool> Connection::read_head() {
    enter(first_ || begin_ != end_ ? Phase::head : Phase::idle);
    route_ = "none";
    head_known_ = false;
    may_skip_line_ = true;
    head_bytes_.clear();
    if (head_bytes_.capacity() > kept_bytes_max) head_bytes_.shrink_to_fit();
    HeadFinder finder(house_->options.framing);
    while (true) {
        const auto answer = begin_ == end_ ? std::nullopt : look_for_head(finder);
        if (answer && std::holds_alternative<HeadFinder::Found>(*answer)) break;
        if (answer && std::holds_alternative<Refusal>(*answer))
            co_return co_await refuse(std::get<Refusal>(*answer));
        if (house_->closing && head_bytes_.empty() && is_quiet()) co_return false;
        if (!co_await fill()) {
            if (!expired_ || head_bytes_.empty()) co_return false;
            co_return co_await refuse({408, "head-timeout", "the head did not come in time"});
        }
        if (phase_ == Phase::idle) enter(Phase::head);
    }
    started_ = Monotonic::now();
    const auto parsed = parse_head(head_bytes_, house_->options.framing, head_);
    if (const auto* refusal = std::get_if<Refusal>(&parsed)) co_return co_await refuse(*refusal);
    head_known_ = true;
    first_ = false;
    co_return true;
}

Task<Admission> Connection::ask_admission() {
    enter(Phase::admission);
    admission_.reset();
    house_->service.admit(
        head_, receiver<Admission>(*this, socket_.get_executor(), &Connection::take_admission, turn_));
    error_code ignored;
    while (!admission_ && !expired_ && socket_.is_open())
        co_await wake_.async_wait(asio::redirect_error(awaited, ignored));
    ++turn_;
    if (admission_) co_return std::move(*admission_);
    Admission late;
    late.refused = to_response(unavailable("the server did not get to this request in time"));
    co_return late;
}

Task<Response> Connection::ask_answer(const Admission& admission) {
    enter(Phase::answer);
    response_.reset();
    given_up_ = std::make_shared<std::atomic<bool>>(false);
    peer_probed_ = false;
    house_->service.handle(
        Request{head_, body_, peer_, given_up_}, admission,
        receiver<Response>(*this, socket_.get_executor(), &Connection::take_response, turn_));
    error_code ignored;
    while (!response_ && !expired_ && socket_.is_open())
        co_await wake_.async_wait(asio::redirect_error(awaited, ignored));
    ++turn_;
    std::exchange(given_up_, nullptr)->store(true);
    if (response_) co_return std::move(*response_);
    co_return to_response(
        Error{Code::outcome_unknown, "the answer did not come in time; send the same request again"});
}

void Connection::take_admission(std::uint64_t turn, Admission admission) {
    if (turn != turn_ || admission_) return;
    admission_ = std::move(admission);
    wake_.cancel();
}

void Connection::take_response(std::uint64_t turn, Response response) {
    if (turn != turn_ || response_) return;
    response_ = std::move(response);
    wake_.cancel();
}

bool Connection::hold_body(std::size_t bytes) {
    if (house_->bodies_bytes + bytes > house_->options.bodies_bytes_max) return false;
    house_->bodies_bytes += bytes;
    held_ += bytes;
    return true;
}

void Connection::release_body() {
    house_->bodies_bytes -= held_;
    held_ = 0;
    body_.clear();
    if (body_.capacity() > kept_bytes_max) body_.shrink_to_fit();
}

Task<bool> Connection::read_body(std::size_t body_bytes_max) {
    enter(Phase::body);
    if (head_.body.length > body_bytes_max)
        co_return co_await refuse({413, "body-too-large", "the body is larger than this resource takes"});
    // Nobody is told to go on and then that there is no room.
    if (!head_.body.chunked && !hold_body(head_.body.length)) co_return co_await refuse(no_room());
    const bool come_already = !head_.body.chunked && end_ - begin_ >= head_.body.length;
    if (head_.expects_continue && !come_already) {
        if (!co_await allow_body()) co_return false;
    }
    if (head_.body.chunked) co_return co_await read_chunked_body(body_bytes_max);
    co_return co_await read_plain_body();
}

Task<bool> Connection::allow_body() {
    error_code error;
    co_await asio::async_write(socket_, asio::buffer(go_on), asio::redirect_error(awaited, error));
    co_return !error;
}

Task<bool> Connection::read_plain_body() {
    while (true) {
        const auto count = std::min<std::size_t>(end_ - begin_, head_.body.length - body_.size());
        body_.append(in_.data() + begin_, count);
        begin_ += count;
        if (body_.size() == head_.body.length) co_return true;
        if (!co_await fill()) break;
    }
    if (!expired_) co_return false;
    co_return co_await refuse(body_timeout());
}

Task<bool> Connection::read_chunked_body(std::size_t body_bytes_max) {
    ChunkedReader reader({.body_bytes_max = body_bytes_max});
    while (true) {
        const auto taken = reader.take({in_.data() + begin_, end_ - begin_}, body_);
        if (const auto* refusal = std::get_if<Refusal>(&taken)) co_return co_await refuse(*refusal);
        begin_ += std::get<std::size_t>(taken);
        if (!hold_body(body_.size() - held_)) co_return co_await refuse(no_room());
        if (reader.done()) co_return true;
        if (!co_await fill()) break;
    }
    if (!expired_) co_return false;
    co_return co_await refuse(body_timeout());
}

Task<bool> Connection::refuse(Refusal refusal) {
    house_->metrics.refused(refusal.code);
    release_body();
    co_return co_await answer(to_response(refusal), false);
}

void Connection::write_head(const Response& response, bool keep) {
    out_.clear();
    out_.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
    out_.append(reason_of(response.status)).append("\r\n");
    put_header(out_, "Date", house_->http_date());
    if (!has_no_body(response.status)) {
        put_header(out_, "Content-Length", std::to_string(response.body.size()));
        if (!response.content_type.empty()) put_header(out_, "Content-Type", response.content_type);
    }
    out_ += "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n";
    for (const auto& [name, value] : response.headers) put_header(out_, name, value);
    if (const auto id = head_known_ ? head_.header("x-request-id") : std::nullopt; id && is_sane_id(*id))
        put_header(out_, "X-Request-Id", *id);
    if (!keep) out_ += "Connection: close\r\n";
    out_ += "\r\n";
}

Task<bool> Connection::answer(const Response& response, bool keep) {
    const auto method = head_known_ ? head_.method : std::string_view{};
    house_->metrics.answered(
        route_, known_method(method), response.status,
        std::chrono::duration_cast<Duration>(Monotonic::now() - (head_known_ ? started_ : since_)));
    enter(Phase::write);
    keep = keep && head_known_ && head_.keep_alive && !house_->closing;
    write_head(response, keep);
    const bool silent = method == "HEAD" || has_no_body(response.status);
    const std::array<asio::const_buffer, 2> parts{
        asio::buffer(out_), silent ? asio::const_buffer{} : asio::buffer(response.body)};
    error_code error;
    co_await asio::async_write(socket_, parts, asio::redirect_error(awaited, error));
    if (error) peer_gone_ = true;
    co_return keep && !error;
}

Task<void> Connection::linger() {
    enter(Phase::linger);
    error_code ignored;
    socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
    for (std::size_t read = 0; read < house_->options.linger_bytes_max; read += end_)
        if (!co_await fill()) co_return;
}

}  // namespace engine::http
