#pragma once
/// JournalRecord: one row of the append-only, hash-chained journal.

#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/hash.h"
#include "engine/base/json.h"
#include "engine/base/strong.h"
#include "engine/base/time.h"

namespace engine {

/// What is stored was within the limits of the edge when it came; the envelope and contexts around it add a
/// little.
inline constexpr JsonLimits stored_json_limits{256u * 1024 * 1024, 1024};

/// The kinds of rows. Streams: `p<n>` of a partition, `control` of the tenant.
namespace record_kind {
inline constexpr auto event = "event";                ///< an accepted event's envelope
inline constexpr auto decision = "decision";          ///< its one outcome
inline constexpr auto waiting = "waiting";            ///< the event of the row before waits in its lane
inline constexpr auto clash = "clash";                ///< a known id came with another body
inline constexpr auto delivered = "delivered";        ///< a delivery is done; body has the result
inline constexpr auto attempt = "attempt";            ///< an attempt that did not succeed
inline constexpr auto dead_letter = "dead_letter";    ///< given up
inline constexpr auto activation = "activation";      ///< a rule set went live (control)
inline constexpr auto operator_act = "operator_act";  ///< a person's command (control or partition)
inline constexpr auto retention = "retention";        ///< old rows were taken away (control)
inline constexpr auto lane_blocked = "lane_blocked";
inline constexpr auto lane_released = "lane_released";
inline constexpr auto erasure = "erasure";  ///< the bodies of all earlier rows about the subject are gone
}  // namespace record_kind

struct JournalRecord {
    TenantName tenant;
    std::string stream;
    std::uint64_t seq = 0;  ///< 1, 2, 3 … in its stream, without a gap
    Instant time{};
    std::string kind;
    std::string subject;               ///< empty in control rows
    std::uint64_t entity_version = 0;  ///< after this row; 0 when it is about none
    std::string cause_event;
    std::string cause_rule;
    std::string ruleset;
    std::string actor;           ///< `engine`, `operator:<name>`, `key:<id>`, …
    std::uint64_t previous = 0;  ///< seq of the row before about the same subject in this stream; 0 = none
    std::string salt;            ///< 16 bytes, drawn at writing
    std::optional<std::string> body;  ///< canonical JSON bytes; nothing once erased
    Digest body_digest{};             ///< SHA-256(salt ‖ body)
    Digest hash{};                    ///< SHA-256(hash of the row before ‖ canonical_row)
};

/// The subject begins anew with it: a row of kind `erasure`, unless it says that it goes on with an earlier
/// one.
bool is_new_beginning(const JournalRecord& record);

/// The bytes that are hashed: RFC 8785 JSON of every column but body, salt and hash; digests as hex, time as
/// microseconds. docs/reference/journal.md describes it for verifiers in other languages.
std::string canonical_row(const JournalRecord& record);
/// The same, at the end of `out`: rows are hashed by the hundred thousand.
void append_canonical_row(std::string& out, const JournalRecord& record);
Digest digest_of_body(std::string_view salt, std::string_view body);
/// The chain starts with 32 zero bytes.
Digest chain(const Digest& previous, const JournalRecord& record);

/// One line of an export: the columns as they are hashed, with `salt` and `hash` in hex and `body` as text,
/// null once erased.
Json export_line(const JournalRecord& record);

}  // namespace engine
