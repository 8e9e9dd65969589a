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
        auto& own = of_this_thread();
        const std::lock_guard busy(own.busy);
        return own.host->load(scripts);
    }
    ScriptOutcome run(const std::shared_ptr<const ScriptSet>& scripts, const ScriptCall& call) override {
        auto& own = of_this_thread();
        const std::lock_guard busy(own.busy);
        return own.host->run(scripts, call);
    }
    std::size_t together_max() const override { return of_this_thread().host->together_max(); }
    std::chrono::milliseconds decision_time_max() const override {
        return of_this_thread().host->decision_time_max();
    }
    std::vector<ScriptOutcome> run_all(const std::shared_ptr<const ScriptSet>& scripts,
                                       std::span<const ScriptCall> calls,
                                       const std::function<void()>& meanwhile) override {
        auto& own = of_this_thread();
        const std::lock_guard busy(own.busy);
        return own.host->run_all(scripts, calls, meanwhile);
    }
    /// Of all hosts together; of one that runs something now, as they were last.
    std::map<std::string, double> figures() override {
        const std::lock_guard lock(mutex_);
        std::map<std::string, double> sums;
        for (auto& [thread, own] : hosts_) {
            if (const std::unique_lock busy(own.busy, std::try_to_lock); busy)
                own.figures = own.host->figures();
            for (const auto& [name, figure] : own.figures) sums[name] += figure;
        }
        return sums;
    }

private:
    struct Own {
        std::unique_ptr<ScriptHost> host;
        std::recursive_mutex busy;  ///< taken again by what runs meanwhile
        std::map<std::string, double> figures;
    };

    Own& of_this_thread() const {
        const std::lock_guard lock(mutex_);
        auto& own = hosts_[std::this_thread::get_id()];
        if (!own.host) own.host = make_();
        return own;
    }

    Make make_;
    mutable std::mutex mutex_;
    mutable std::map<std::thread::id, Own> hosts_;
};

}  // namespace rules
