#include "engine/store/journal_writer.h"

namespace engine {
namespace {

constexpr std::size_t salt_bytes = 16;
constexpr std::size_t salts_drawn_at_once = 256;

}  // namespace

const JournalRecord& JournalWriter::append(const Step& step, const NewRecord& added, StreamHead& head,
                                           std::uint64_t previous) {
    record_.tenant = step.tenant;
    record_.stream = added.stream;
    record_.seq = head.seq + 1;
    record_.time = step.time;
    record_.kind = added.kind;
    record_.subject = added.subject;
    record_.entity_version = added.entity_version;
    record_.cause_event = added.cause_event;
    record_.cause_rule = added.cause_rule;
    record_.ruleset = added.ruleset;
    record_.actor = added.actor;
    record_.previous = previous;
    record_.salt = next_salt();
    record_.body = added.body;
    record_.body_digest = digest_of_body(record_.salt, added.body);
    canonical_.clear();
    append_canonical_row(canonical_, record_);
    record_.hash = sha256({bytes_of(head.hash), canonical_});
    head.seq = record_.seq;
    head.hash = record_.hash;
    return record_;
}

/// One draw from the generator costs more than the row's hashes, so many salts are drawn at once.
std::string_view JournalWriter::next_salt() {
    if (salts_used_ == salts_.size()) {
        salts_ = random_bytes(salt_bytes * salts_drawn_at_once);
        salts_used_ = 0;
    }
    const auto salt = std::string_view(salts_).substr(salts_used_, salt_bytes);
    salts_used_ += salt_bytes;
    return salt;
}

}  // namespace engine
