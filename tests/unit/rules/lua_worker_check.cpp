/// Scripts looked at in a worker: the same findings as in this process, and no harm from what looks.

#include <sys/wait.h>

#include <cerrno>
#include <string>
#include <vector>

#include "rules/lua/check_in_worker.h"
#include "tests/support/catch.h"
#include "tests/support/lua_worker.h"

namespace tests::lua_worker_check {
namespace {

using Problems = std::vector<std::string>;

rules::ScriptCheck asked_of(const std::string& source) {
    auto set = std::make_shared<rules::ScriptSet>();
    set->tenant = "acme";
    set->version = "1";
    set->files = {{"scripts/a.lua", source}, {"scripts/whole.lua", "local x = ctx.ticet.id\n", true}};
    return {set,
            {"ticket"},
            {{nullptr, "scripts/a.lua", "runn", {"rules.yaml", 3, 7}, "r"},
             {nullptr, "scripts/a.lua", "run", {"rules.yaml", 9, 7}, "s"}}};
}

Problems texts_of(const std::vector<engine::Diagnostic>& problems) {
    Problems texts;
    for (const auto& problem : problems) texts.push_back(engine::to_text(problem));
    return texts;
}

Problems checked_by(std::vector<std::string> words, const rules::ScriptCheck& asked) {
    auto options = worker_options(std::move(words));
    options.one_ready = false;
    options.load_deadline = milliseconds(500);
    return texts_of(rules::check_in_worker(asked, options));
}

}  // namespace

TEST_CASE("lua worker: a check there finds what one in this process does", "[lua-worker]") {
    for (const auto* source : {"return { run = function(ctx) wurst() ctx.call('crm.x') end }",
                               "return { run = function(ctx) ctx.sett('a') end }", "local = 5", "error('no')",
                               "return { runn = error, run = error }"}) {
        CAPTURE(source);
        const auto asked = asked_of(source);
        const auto found = texts_of(rules::problems_of(asked));
        auto options = worker_options({"scripts"});
        options.load_deadline = std::chrono::seconds(60);
        CHECK(texts_of(rules::check_in_worker(asked, options)) == found);
        CHECK_FALSE(found.empty());
    }
}

TEST_CASE("lua worker: whoever checks is not believed, nor waited for", "[lua-worker]") {
    const auto asked = asked_of("return { run = error }");
    for (const auto* mode : {"short_and_gone", "long_body", "wrong_id", "wrong_kind", "unknown_kind",
                             "garbage", "empty_body", "stream", "silent", "slow", "stopped", "shut"}) {
        CAPTURE(mode);
        const auto found = checked_by({"hostile", mode}, asked);
        CAPTURE(found);
        REQUIRE(found.size() == 1);
        CHECK(found[0].starts_with("error: the scripts are not checked: it"));
        CHECK(found[0].ends_with("[script-worker]"));
    }
    auto options = worker_options({"scripts"});
    options.call_bytes_max = 100;
    CHECK(texts_of(rules::check_in_worker(asked, options))[0].find("more than 100 [script-worker]") !=
          std::string::npos);
    options = worker_options();
    options.command = {"/nowhere/signalbox", "script-worker"};
    CHECK(texts_of(rules::check_in_worker(asked, options))[0].find("/nowhere/signalbox") !=
          std::string::npos);
    errno = 0;
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
    CHECK(errno == ECHILD);
}

}  // namespace tests::lua_worker_check
