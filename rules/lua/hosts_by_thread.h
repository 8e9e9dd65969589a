#pragma once
/// HostsByThread: a script host for every thread that asks for one, each its own.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "rules/script.h"

namespace rules {

/// Any thread: each is served by a host that no other one touches. What a thread leaves behind ends with
/// this.
class HostsByThread final : public ScriptHost {
public:
    using Make = std::function<std::unique_ptr<ScriptHost>()>;
    explicit HostsByThread(Make make) : make_(std::move(make)) {}

    std::vector<engine::Diagnostic> load(const std::shared_ptr<const ScriptSet>& scripts) override {
        return own().load(scripts);
    }
    ScriptOutcome run(const std::shared_ptr<const ScriptSet>& scripts, const ScriptCall& call) override {
        return own().run(scripts, call);
    }
    /// Of the calling thread's host.
    std::map<std::string, double> figures() override { return own().figures(); }

private:
    /// The calling thread's.
    ScriptHost& own() {
        const std::lock_guard lock(mutex_);
        auto& host = hosts_[std::this_thread::get_id()];
        if (!host) host = make_();
        return *host;
    }

    Make make_;
    std::mutex mutex_;
    std::map<std::thread::id, std::unique_ptr<ScriptHost>> hosts_;
};

}  // namespace rules
