/// A script worker for tests of the daemon's side. `scripts` is the real one; `honest` is confined like the
/// real one and does what the call's function says, also what no script can say; `hostile MODE [MARK]` is not
/// confined and answers runs with whatever MODE says, or only the first of all when there is a file MARK to
/// tell by.

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "rules/lua/in_process_host.h"
#include "rules/lua/worker_confine.h"
#include "rules/lua/worker_frame.h"
#include "rules/lua/worker_serve.h"
#include "rules/lua/worker_wire.h"

namespace {

using engine::Json;
using rules::FrameKind;

// --- honest

std::uint64_t integer(const Json& value) {
    return value.is_number() ? value.get<std::uint64_t>() : 0;
}

[[noreturn]] void loop() {
    volatile std::uint64_t turns = 0;
    while (true) static_cast<void>(turns);
}

/// Until there is no more.
void hog() {
    for (std::size_t bytes = 0;; bytes += 1U << 20U) std::memset(std::malloc(1U << 20U), 1, 1U << 20U);
}

Json system_call(const Json& context) {
    std::vector<std::uint64_t> words(6);
    for (std::size_t i = 0; i < context["words"].size(); ++i) {
        const auto& word = context["words"][i];
        words[i] = word.is_string()
                       ? reinterpret_cast<std::uint64_t>(word.get_ref<const std::string&>().c_str())
                       : integer(word);
    }
    return ::syscall(static_cast<long>(integer(context["number"])), words[0], words[1], words[2], words[3],
                     words[4], words[5]);
}

Json system_call_of_32_bits() {
    long result = 20;  // getpid there
#ifdef __x86_64__
    asm volatile("int $0x80" : "+a"(result) : : "memory");
#else
    std::abort();
#endif
    return result;
}

rules::ScriptFailure failure(const rules::ScriptCall& call) {
    rules::ScriptFailure failure;
    failure.message = "no";
    failure.place = {call.file, 7, 0};
    failure.traceback = {"a", "b"};
    failure.limit = "fuel_max";
    return failure;
}

class ObedientHost final : public rules::ScriptHost {
public:
    std::vector<engine::Diagnostic> load(const std::shared_ptr<const rules::ScriptSet>& scripts) override {
        for (const auto& file : scripts->files) {
            if (file.source == "loop") loop();
            if (file.source == "crash") std::abort();
            engine::Diagnostic wrong{engine::Severity::error, "script", {file.name, 1, 1}, "is wrong"};
            if (file.source == "wrong") return {wrong};
        }
        return {};
    }

    rules::ScriptOutcome run(const std::shared_ptr<const rules::ScriptSet>& scripts,
                             const rules::ScriptCall& call) override {
        rules::ScriptOutcome outcome;
        const auto seen = std::exchange(seen_, seen_ + scripts->tenant + ";");
        const auto& context = call.context;
        if (call.function == "echo") outcome.result = context;
        if (call.function == "version") outcome.result = scripts->version;
        if (call.function == "seen") outcome.result = seen;
        if (call.function == "fail") outcome.failure = failure(call);
        if (call.function == "need")
            outcome.need =
                rules::ScriptNeed{"key", "crm.find", context, engine::Duration(5), {call.file, 3, 0}};
        if (call.function == "loop") loop();
        if (call.function == "hog") hog();
        if (call.function == "crash") ::raise(SIGSEGV);
        if (call.function == "segv") *reinterpret_cast<volatile int*>(integer(context)) = 1;
        if (call.function == "throw") throw 1;
        if (call.function == "exit") ::_exit(0);
        if (call.function == "bytes") outcome.result = std::string(integer(context), 'x');
        if (call.function == "bad_text") outcome.result = "a\xFF\xC3\xA4";
        if (call.function == "call") outcome.result = system_call(context);
        if (call.function == "call_of_32_bits") outcome.result = system_call_of_32_bits();
        return outcome;
    }

private:
    // Survives a change of the set on purpose: what one tenant leaves, the next would see.
    static inline std::string seen_;
};

// --- hostile

void say(const std::string& bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        const auto got = ::send(rules::worker_socket, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (got <= 0) ::_exit(0);
        sent += static_cast<std::size_t>(got);
    }
}

std::string frame(FrameKind kind, std::uint64_t id, const std::string& body) {
    std::string bytes;
    rules::append_frame(bytes, kind, id, body);
    return bytes;
}

std::string outcome_body(const rules::ScriptOutcome& outcome) {
    rules::WireWriter body;
    rules::write(body, outcome);
    return body.take();
}

std::string good_body(const Json& result = "good") {
    rules::ScriptOutcome outcome;
    outcome.result = result;
    return outcome_body(outcome);
}

std::string answer(std::uint64_t id, const std::string& body) {
    return frame(FrameKind::outcome, id, body);
}

[[noreturn]] void fall_silent() {
    while (true) ::pause();
}

std::string with_length(std::string frame, std::uint32_t length) {
    std::memcpy(frame.data() + 4, &length, sizeof length);
    return frame;
}

std::string deep_body(std::size_t depth) {
    std::string body;
    for (std::size_t i = 0; i < depth; ++i) body += std::string("\x07\x01", 2);
    return body + good_body();
}

/// A list that says it has 2^62 items.
std::string counting_body() {
    rules::WireWriter body;
    body.number(7);
    body.number(std::uint64_t{1} << 62U);
    return body.take() + good_body();
}

std::string body_with(const std::function<void(rules::ScriptOutcome&)>& spoil) {
    rules::ScriptOutcome outcome;
    spoil(outcome);
    return outcome_body(outcome);
}

std::string with_bad_text() {
    auto body = good_body();
    body[body.find('g')] = '\xFF';
    return body;
}

Json open_descriptors() {
    Json numbers = Json::array();
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
        numbers.push_back(entry.path().filename().string());
    return numbers;
}

bool ignored_pipe = false;

Json surroundings() {
    std::size_t variables = 0;
    for (char** variable = ::environ; *variable != nullptr; ++variable) ++variables;
    sigset_t blocked;
    ::sigprocmask(SIG_BLOCK, nullptr, &blocked);
    return {{"variables", variables},
            {"leads_session", ::getsid(0) == ::getpid()},
            {"blocks_usr1", sigismember(&blocked, SIGUSR1) == 1},
            {"ignores_pipe", ignored_pipe},
            {"descriptors", open_descriptors()}};
}

using Misdeed = std::function<void(std::uint64_t id)>;

const std::map<std::string, Misdeed>& misdeeds() {
    static const std::map<std::string, Misdeed> all{
        {"surroundings", [](auto id) { say(answer(id, good_body(surroundings()))); }},
        {"short_and_gone", [](auto id) { say(answer(id, good_body()).substr(0, 9)), ::_exit(0); }},
        {"short_body", [](auto id) { say(answer(id, good_body().substr(0, 3))); }},
        {"short_and_silent", [](auto id) { say(answer(id, good_body()).substr(0, 20)), fall_silent(); }},
        {"long_body", [](auto id) { say(answer(id, good_body() + "x")); }},
        {"huge_length", [](auto id) { say(with_length(answer(id, good_body()), 0xFFFFFFFF)); }},
        {"large_length",
         [](auto id) { say(with_length(answer(id, good_body()), 8U << 20U)), fall_silent(); }},
        {"wrong_id", [](auto id) { say(answer(id + 1, good_body())); }},
        {"wrong_kind", [](auto id) { say(frame(FrameKind::loaded, id, std::string(2, '\0'))); }},
        {"wrong_version",
         [](auto id) {
             auto bytes = answer(id, good_body());
             bytes[2] = 9;
             say(bytes);
         }},
        {"unknown_kind",
         [](auto id) {
             auto bytes = answer(id, good_body());
             bytes[3] = 99;
             say(bytes);
         }},
        {"garbage", [](auto id) { say(answer(id, std::string(500, '\x7F'))); }},
        {"garbage_frame", [](auto) { say(std::string(500, '\x7F')); }},
        {"empty_body", [](auto id) { say(answer(id, "")); }},
        {"silent", [](auto) { fall_silent(); }},
        {"twice", [](auto id) { say(answer(id, good_body()) + answer(id, good_body())); }},
        {"stream",
         [](auto) {
             while (true) say(std::string(100'000, '\0'));
         }},
        {"stream_of_answers",
         [](auto id) {
             while (true) say(answer(id, good_body()));
         }},
        {"slow",
         [](auto id) {
             for (const char c : answer(id, good_body())) say({c}), ::usleep(20'000);
         }},
        {"deep", [](auto id) { say(answer(id, deep_body(50'000))); }},
        {"count", [](auto id) { say(answer(id, counting_body())); }},
        {"bad_text", [](auto id) { say(answer(id, with_bad_text())); }},
        {"effects", [](auto id) { say(answer(id, body_with([](auto& made) { made.effects = 7; }))); }},
        {"effect", [](auto id) { say(answer(id, body_with([](auto& made) { made.effects = {1}; }))); }},
        {"limit",
         [](auto id) {
             say(answer(id, body_with([](auto& made) { made.failure.emplace().limit = "x\ny"; })));
         }},
        {"need_and_failure",
         [](auto id) {
             say(answer(id, body_with([](auto& made) { made.failure.emplace(), made.need.emplace(); })));
         }},
        {"shut", [](auto) { ::shutdown(rules::worker_socket, SHUT_RDWR), fall_silent(); }},
        {"stopped", [](auto) { ::raise(SIGSTOP); }},
    };
    return all;
}

void answer_well(const rules::Frame& request) {
    if (request.kind == FrameKind::load) say(frame(FrameKind::loaded, request.id, std::string(2, '\0')));
    if (request.kind == FrameKind::run) say(answer(request.id, good_body()));
}

[[noreturn]] void be_hostile(const std::string& mode, const std::string& mark) {
    ignored_pipe = ::signal(SIGPIPE, SIG_IGN) == SIG_IGN;
    if (mode == "no_hello") fall_silent();
    if (mode == "wrong_hello") say(frame(FrameKind::loaded, 0, ""));
    const bool is_good = !mark.empty() && std::filesystem::exists(mark);
    const auto trouble = mode == "unconfined" ? std::string("\x02no", 3) : std::string(1, '\0');
    if (mode == "unasked" && !is_good) say(frame(FrameKind::hello, 0, trouble) + answer(3, good_body()));
    say(frame(FrameKind::hello, 0, trouble));
    rules::FrameReader frames(1U << 26U);
    std::string bytes(1U << 16U, '\0');
    while (const auto got = ::read(rules::worker_socket, bytes.data(), bytes.size())) {
        if (got < 0) break;
        frames.append(std::string_view(bytes).substr(0, static_cast<std::size_t>(got)));
        while (const auto request = frames.next()) {
            const auto misdeed = misdeeds().find(mode);
            const bool misbehaves = (request->kind == FrameKind::run || request->kind == FrameKind::check) &&
                                    misdeed != misdeeds().end() && !is_good;
            if (misbehaves && !mark.empty()) std::ofstream(mark) << "done\n";
            if (misbehaves)
                misdeed->second(request->id);
            else if (mode != "loads_nothing")
                answer_well(*request);
        }
    }
    ::_exit(0);
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() >= 2 && words[0] == "honest")
        rules::serve_scripts([] { return std::make_unique<ObedientHost>(); }, std::stoull(words.back()));
    if (words.size() >= 2 && words[0] == "scripts")
        rules::serve_scripts([] { return std::make_unique<rules::InProcessHost>(); },
                             std::stoull(words.back()));
    if (words.size() >= 2 && words[0] == "coverage")
        rules::serve_scripts([] { return std::make_unique<rules::CoverageHost>(); },
                             std::stoull(words.back()));
    if (words.size() >= 3 && words[0] == "hostile") be_hostile(words[1], words.size() > 3 ? words[2] : "");
    return 64;
}
