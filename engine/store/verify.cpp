#include <algorithm>

#include "engine/store/store.h"

namespace engine {
namespace {

/// Follows one stream row by row and keeps the first thing that is wrong.
class StreamCheck {
public:
    StreamCheck(const StreamHead& before, ChainReport& report) : before_(before), report_(report) {
        last_.seq = before.detached_seq;
        last_.hash = before.detached_hash;
    }

    /// False ends the scan: what follows a broken row proves nothing.
    bool take(const JournalRecord& record) {
        ++report_.rows;
        if (!record.body) ++report_.erased_bodies;
        if (!follows(record) || !digest_fits(record) || !hash_fits(record) || !head_fits(record))
            return false;
        last_.seq = record.seq;
        last_.hash = record.hash;
        return true;
    }

    /// `after` is the stored head read when the scan was over: a live store has grown meanwhile.
    void finish(const StreamHead& after) {
        if (!what_.empty()) return;
        if (last_.seq < before_.seq)
            fail(last_.seq + 1, "the row is missing; the stored head is " + std::to_string(before_.seq));
        else if (last_.seq > after.seq)
            fail(after.seq + 1, "the row is beyond the stored head");
    }

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
        if (!record.body)
            return record.salt.empty() || fail(record.seq, "the body is gone, but was not erased");
        if (digest_of_body(record.salt, *record.body) == record.body_digest) return true;
        return fail(record.seq, "the body does not fit its digest");
    }

    bool hash_fits(const JournalRecord& record) {
        canonical_.clear();
        append_canonical_row(canonical_, record);
        if (sha256({bytes_of(last_.hash), canonical_}) == record.hash) return true;
        return fail(record.seq, "the row does not fit its hash");
    }

    bool head_fits(const JournalRecord& record) {
        if (record.seq != before_.seq || record.hash == before_.hash) return true;
        return fail(record.seq, "the row's hash is not the stored head's");
    }

    bool fail(std::uint64_t seq, std::string what) {
        bad_seq_ = seq;
        what_ = std::move(what);
        return false;
    }

    const StreamHead& before_;
    ChainReport& report_;
    StreamHead last_;
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

Result<void> check_stream(Store& store, const TenantName& tenant, const StreamHead& head,
                          ChainReport& report) {
    ++report.streams;
    StreamCheck check(head, report);
    const auto scanned = store.scan(tenant, head.stream, 0,
                                    [&check](const JournalRecord& record) { return check.take(record); });
    if (!scanned) return scanned.error();
    const auto after = head_of(store, tenant, head.stream);
    if (!after) return after.error();
    check.finish(*after);
    if (!check.what().empty()) report.faults.push_back({tenant, head.stream, check.bad_seq(), check.what()});
    return {};
}

Result<void> check_tenant(Store& store, const TenantName& tenant, ChainReport& report) {
    const auto heads = store.streams(tenant);
    if (!heads) return heads.error();
    for (const auto& head : *heads)
        if (const auto checked = check_stream(store, tenant, head, report); !checked) return checked.error();
    return {};
}

Result<std::vector<TenantName>> tenants_to_check(Store& store, const TenantName& tenant) {
    if (tenant.empty()) return store.tenants();
    return std::vector<TenantName>{tenant};
}

}  // namespace

Result<ChainReport> verify(Store& store, const TenantName& tenant) {
    const auto tenants = tenants_to_check(store, tenant);
    if (!tenants) return tenants.error();
    ChainReport report;
    for (const auto& name : *tenants)
        if (const auto checked = check_tenant(store, name, report); !checked) return checked.error();
    const auto strays = store.strays();
    if (!strays) return strays.error();
    for (const auto& stray : *strays) report.faults.push_back({TenantName(), stray, 0, "rows of no stream"});
    return report;
}

}  // namespace engine
