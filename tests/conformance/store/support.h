#pragma once
/// What the store suite shares: the backends it runs against, builders of steps, and values as comparable
/// text.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/store/store.h"
#include "engine/store/verify.h"
#include "tests/support/catch.h"
#include "tests/support/folder.h"

namespace store_tests {

using testing_folder::Folder;

/// A kind of store the suite runs against. `open` opens the one store that the folder stands for.
struct Backend {
    std::string name;
    bool lasting;  ///< can be opened again, and twice at once
    std::function<engine::Result<std::unique_ptr<engine::Store>>(const Folder&, const engine::OpenOptions&)>
        open;
    /// Removes what `open` made outside the folder.
    std::function<void(const Folder&)> remove = [](const Folder&) {};
};
const std::vector<Backend>& all_backends();
std::vector<Backend> lasting_backends();

/// A store that is open and owned.
class OpenStore {
public:
    explicit OpenStore(const Backend& backend, engine::OpenOptions options = {});
    ~OpenStore();
    OpenStore(const OpenStore&) = delete;
    engine::Store& operator*() { return *store_; }
    engine::Store* operator->() { return store_.get(); }

    void close() { store_.reset(); }
    /// Closes and opens again, owned.
    void reopen();
    /// A second handle to the same store, not owned.
    std::unique_ptr<engine::Store> another(engine::OpenOptions options = {});
    engine::Result<std::unique_ptr<engine::Store>> try_another(engine::OpenOptions options = {});

private:
    Backend backend_;
    engine::OpenOptions options_;
    Folder folder_;
    std::unique_ptr<engine::Store> store_;
};

inline const engine::TenantName acme{std::string("acme")};
inline const engine::TenantName other_tenant{std::string("umbrella")};

/// 2026-05-04T08:00:00Z and that many seconds.
engine::Instant at(int seconds);
engine::Subject subject(const std::string& text);
engine::EventKey key_of(const std::string& id, const std::string& source = "desk/main");

engine::NewRecord record_of(const std::string& kind, const std::string& about, const std::string& body,
                            const std::string& stream = "p3");
/// An empty step of acme.
engine::Step step_at(int seconds);
/// Accepts and decides an event: two records, the event seen.
engine::Step decided_step(const std::string& id, const std::string& about, int seconds);
engine::Entity entity_of(const std::string& about, std::uint64_t version, engine::Json fields);
engine::Event event_of(const std::string& id, const std::string& about);
engine::PendingEvent pending_of(int partition, std::uint64_t place, const std::string& id,
                                const std::string& about);
engine::Delivery delivery_of(int partition, std::uint64_t number, const std::string& key,
                             const std::string& lane);
engine::Timer timer_of(const std::string& about, const std::string& name, int due);
engine::BlockedLane blocked_of(int partition, const std::string& about, const std::string& id);
engine::StoredContinuation continuation_of(const std::string& id, const std::string& about);

engine::Result<void> commit(engine::Store& store, const engine::Step& step);
engine::Result<void> commit(engine::Store& store, const std::vector<engine::Step>& steps);

std::string text_of(const engine::Entity& entity);
std::string text_of(const engine::SeenEvent& seen);
std::string text_of(const engine::PendingEvent& pending);
std::string text_of(const engine::Delivery& delivery);
std::string text_of(const engine::DeadLetter& letter);
std::string text_of(const engine::Timer& timer);
std::string text_of(const engine::BlockedLane& lane);
std::string text_of(const engine::StoredContinuation& stored);
std::string text_of(const engine::JournalRecord& record);
std::string text_of(const engine::ApiKey& key);
std::string text_of(const engine::Request& request);

template <class Value>
std::vector<std::string> texts_of(const std::vector<Value>& values) {
    std::vector<std::string> texts;
    for (const auto& value : values) texts.push_back(text_of(value));
    return texts;
}

template <class Value>
std::string text_of(const std::optional<Value>& value) {
    return value ? text_of(*value) : "nothing";
}

/// The value, or a failed test that shows the error.
template <class Value>
Value need(engine::Result<Value> result) {
    if (!result) FAIL(name_of(result.error().code) << ": " << result.error().message);
    return *std::move(result);
}
inline void need(const engine::Result<void>& result) {
    if (!result) FAIL(name_of(result.error().code) << ": " << result.error().message);
}

/// Everything the store holds that a question can bring out, as text: two stores that say the same are equal.
std::string everything(engine::Store& store, const std::vector<std::string>& subjects);

std::vector<engine::JournalRecord> rows_of(engine::Store& store, const engine::TenantName& tenant,
                                           const std::string& stream);
/// The faults `verify` finds, one line each; empty when there is none.
std::string faults_of(engine::Store& store);

}  // namespace store_tests
