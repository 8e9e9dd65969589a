#include "engine/store/verify.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "engine/store/deep_check.h"

namespace engine {
namespace {

/// Follows one stream row by row and keeps the first thing that is wrong.
class StreamCheck {
public:
    StreamCheck(const StreamHead& before, bool deep, const std::vector<SignedHead>& signed_heads)
        : before_(before), signed_(signed_heads) {
        last_.seq = before.detached_seq;
        last_.hash = before.detached_hash;
        // What was signed of rows that are gone was checked while they were there.
        while (next_signed_ < signed_.size() && signed_[next_signed_].seq <= before.detached_seq)
            ++next_signed_;
        if (deep) deep_.emplace(before.detached_seq);
    }

    /// False ends the scan: what follows a broken row proves nothing.
    bool take(const JournalRecord& record) {
        ++counts_.rows;
        if (!follows(record) || !digest_fits(record) || !hash_fits(record) || !head_fits(record) ||
            !signed_head_fits(record) || !fits_deeply(record))
            return false;
        account(record);
        last_.seq = record.seq;
        last_.hash = record.hash;
        return true;
    }

    /// `after` is the stored head read when the scan was over: a live store has grown meanwhile.
    void finish(const StreamHead& after) {
        if (what_.empty() && last_.seq < before_.seq)
            fail(last_.seq + 1, "the row is missing; the stored head is " + std::to_string(before_.seq));
        else if (what_.empty() && last_.seq > after.seq)
            fail(after.seq + 1, "the row is beyond the stored head");
        if (what_.empty() && next_signed_ < signed_.size())
            fail_since_signed("the journal ends at " + std::to_string(last_.seq) + ", but " +
                              std::to_string(signed_[next_signed_].seq));
        // Before a broken row nothing says that the erasure was not to come after it.
        if (what_.empty()) find_unaccounted();
    }

    const ChainReport& counts() const { return counts_; }
    const std::string& what() const { return what_; }
    std::uint64_t bad_seq() const { return bad_seq_; }

private:
    bool follows(const JournalRecord& record) {
        if (record.seq == last_.seq + 1) return true;
        if (record.seq <= before_.detached_seq)
            return fail(record.seq, "the row is there, though retention took away all up to row " +
                                        std::to_string(before_.detached_seq));
        return fail(last_.seq + 1, "the row is missing; the next is " + std::to_string(record.seq));
    }

    bool digest_fits(const JournalRecord& record) {
        if (!record.body) {
            ++counts_.erased_bodies;
            const bool may_be = record.salt.empty() && record.kind != record_kind::erasure;
            return may_be || fail(record.seq, "the body is gone, but was not erased");
        }
        counts_.bytes += record.salt.size() + record.body->size();
        if (digest_of_body(record.salt, *record.body) == record.body_digest) return true;
        return fail(record.seq, "the body does not fit its digest");
    }

    bool hash_fits(const JournalRecord& record) {
        canonical_.clear();
        append_canonical_row(canonical_, record);
        counts_.bytes += sizeof(Digest) + canonical_.size();
        if (sha256({bytes_of(last_.hash), canonical_}) == record.hash) return true;
        return fail(record.seq, "the row does not fit its hash");
    }

    bool head_fits(const JournalRecord& record) {
        if (record.seq != before_.seq || record.hash == before_.hash) return true;
        return fail(record.seq, "the row's hash is not the stored head's");
    }

    bool signed_head_fits(const JournalRecord& record) {
        if (next_signed_ == signed_.size() || record.seq < signed_[next_signed_].seq) return true;
        if (record.hash != signed_[next_signed_].hash)
            return fail_since_signed("another hash than that of row " + std::to_string(record.seq));
        ++next_signed_;
        ++counts_.signed_heads;
        return true;
    }

    /// Whoever wrote rows anew did so somewhere after the last signed head that fits.
    bool fail_since_signed(const std::string& what) {
        const auto good = next_signed_ == 0 ? 0 : signed_[next_signed_ - 1].seq;
        return fail(good + 1, what + " was signed in checkpoint " +
                                  std::to_string(signed_[next_signed_].checkpoint) +
                                  "; rows before this one are as signed");
    }

    bool fits_deeply(const JournalRecord& record) {
        if (!deep_) return true;
        auto wrong = deep_->take(record);
        return !wrong || fail(record.seq, *std::move(wrong));
    }

    /// An erasure takes every earlier body of its subject, so what is gone must have one after it. One that
    /// goes on takes rows that came before the first.
    void account(const JournalRecord& record) {
        if (!record.body) unaccounted_.try_emplace(record.subject, record.seq);
        if (is_new_beginning(record)) unaccounted_.erase(record.subject);
    }

    void find_unaccounted() {
        for (const auto& [subject, seq] : unaccounted_)
            if (what_.empty() || seq < bad_seq_)
                fail(seq, "the body is gone, and no erasure of its subject accounts for it");
    }

    bool fail(std::uint64_t seq, std::string what) {
        bad_seq_ = seq;
        what_ = std::move(what);
        return false;
    }

    const StreamHead& before_;
    const std::vector<SignedHead>& signed_;
    std::size_t next_signed_ = 0;
    ChainReport counts_;
    StreamHead last_;
    std::optional<DeepCheck> deep_;
    std::map<std::string, std::uint64_t> unaccounted_;  ///< by subject: its first erased row
    std::string canonical_;
    std::string what_;
    std::uint64_t bad_seq_ = 0;
};

Result<StreamHead> head_of(Store& store, const TenantName& tenant, const std::string& stream) {
    const auto heads = store.streams(tenant);
    if (!heads) return heads.error();
    const auto found = std::find_if(heads->begin(), heads->end(),
                                    [&](const StreamHead& head) { return head.stream == stream; });
    return found == heads->end() ? StreamHead{stream} : *found;
}

/// One stream to be checked, and what came of it.
struct Part {
    TenantName tenant;
    StreamHead head;
    ChainReport report;
    std::vector<SignedHead> signed_heads;
};

Result<void> check_stream(Store& store, Part& part, bool deep) {
    StreamCheck check(part.head, deep, part.signed_heads);
    const auto scanned = store.scan(part.tenant, part.head.stream, 0,
                                    [&check](const JournalRecord& record) { return check.take(record); });
    if (!scanned) return scanned.error();
    const auto after = head_of(store, part.tenant, part.head.stream);
    if (!after) return after.error();
    check.finish(*after);
    part.report = check.counts();
    if (!check.what().empty())
        part.report.faults.push_back({part.tenant, part.head.stream, check.bad_seq(), check.what()});
    return {};
}

/// A stream of which only a signature is left is checked as an empty one.
void add_signed_heads(std::vector<Part>& parts, const SignedHeads& all, const TenantName& tenant) {
    for (const auto& signed_stream : all) {
        const auto& stream = signed_stream.first;
        if (!tenant.empty() && stream.first != tenant.text()) continue;
        auto part = std::find_if(parts.begin(), parts.end(), [&](const Part& one) {
            return one.tenant.text() == stream.first && one.head.stream == stream.second;
        });
        if (part == parts.end())
            part = parts.insert(parts.end(), {TenantName(stream.first), {stream.second, 0, {}}, {}, {}});
        part->signed_heads = signed_stream.second;
    }
}

Result<std::vector<Part>> parts_of(Store& store, const TenantName& tenant, const SignedHeads* signed_heads) {
    auto tenants = tenant.empty() ? store.tenants() : std::vector<TenantName>{tenant};
    if (!tenants) return tenants.error();
    std::vector<Part> parts;
    for (const auto& name : *tenants) {
        const auto heads = store.streams(name);
        if (!heads) return heads.error();
        for (const auto& head : *heads) parts.push_back({name, head, {}, {}});
    }
    if (signed_heads != nullptr) add_signed_heads(parts, *signed_heads, tenant);
    return parts;
}

/// What several threads do together: each takes the next part until none is left or one has failed.
class Crew {
public:
    Crew(std::vector<Part>& parts, bool deep) : deep_(deep) {
        for (auto& part : parts) order_.push_back(&part);
        // The longest first, so that nobody is left with one at the end.
        std::stable_sort(order_.begin(), order_.end(), [](const Part* left, const Part* right) {
            return left->head.seq > right->head.seq;
        });
    }

    void work(Store& store) {
        while (true) {
            const auto mine = next_++;
            if (mine >= order_.size()) return;
            if (const auto checked = check_stream(store, *order_[mine], deep_); !checked)
                return stop(checked.error());
        }
    }

    void stop(const Error& error) {
        next_ = order_.size();
        const std::lock_guard lock(mutex_);
        if (!error_) error_ = error;
    }

    const std::optional<Error>& error() const { return error_; }  ///< when all have come back

private:
    bool deep_;
    std::vector<Part*> order_;
    std::atomic<std::size_t> next_{0};
    std::mutex mutex_;
    std::optional<Error> error_;
};

Result<ChainReport> summed(Store& store, const std::vector<Part>& parts) {
    ChainReport report;
    for (const auto& part : parts) {
        ++report.streams;
        report.rows += part.report.rows;
        report.erased_bodies += part.report.erased_bodies;
        report.signed_heads += part.report.signed_heads;
        report.bytes += part.report.bytes;
        report.faults.insert(report.faults.end(), part.report.faults.begin(), part.report.faults.end());
    }
    const auto strays = store.strays();
    if (!strays) return strays.error();
    for (const auto& stray : *strays) report.faults.push_back({TenantName(), stray, 0, "rows of no stream"});
    return report;
}

}  // namespace

Result<ChainReport> verify(Store& store, const TenantName& tenant, bool deep) {
    auto parts = parts_of(store, tenant, nullptr);
    if (!parts) return parts.error();
    Crew crew(*parts, deep);
    crew.work(store);
    if (crew.error()) return *crew.error();
    return summed(store, *parts);
}

Result<ChainReport> verify(const StoreOpener& open, const VerifyOptions& options) {
    auto store = open();
    if (!store) return store.error();
    auto parts = parts_of(**store, options.tenant, options.signed_heads);
    if (!parts) return parts.error();
    Crew crew(*parts, options.deep);
    std::vector<std::thread> others;
    for (int i = 1; i < options.threads && static_cast<std::size_t>(i) < parts->size(); ++i)
        others.emplace_back([&open, &crew] {
            const auto own = open();
            if (own)
                crew.work(**own);
            else
                crew.stop(own.error());
        });
    crew.work(**store);
    for (auto& other : others) other.join();
    if (crew.error()) return *crew.error();
    return summed(**store, *parts);
}

}  // namespace engine
