#include "engine/store/checkpoint.h"

#include <algorithm>
#include <utility>

#include "engine/base/json.h"
#include "engine/store/codec.h"

namespace engine {
namespace {

constexpr JsonLimits line_limits{4u * 1024 * 1024, 8};

Json heads_to_json(const std::vector<StreamHead>& heads) {
    Json list = Json::array();
    for (const auto& head : heads)
        list.push_back({{"stream", head.stream}, {"seq", head.seq}, {"hash", to_hex(bytes_of(head.hash))}});
    return list;
}

Json to_json(const Checkpoint& checkpoint, const std::string& key) {
    Json json{{"checkpoint", checkpoint.number},    {"time", to_text(checkpoint.time)},
              {"tenant", checkpoint.tenant.text()}, {"heads", heads_to_json(checkpoint.heads)},
              {"previous", checkpoint.previous},    {"key", key}};
    if (checkpoint.rollback) json["rollback"] = true;
    return json;
}

Result<StreamHead> head_from(const Json& json) {
    const auto* seq = find(json, "seq");
    const auto bytes = from_hex(text_or(json, "hash", ""));
    if (!bytes) return bytes.error();
    const auto hash = digest_from(*bytes, "hash");
    if (!hash || seq == nullptr || !seq->is_number_unsigned()) return invalid("a head is incomplete");
    return StreamHead{text_or(json, "stream", ""), seq->get<std::uint64_t>(), *hash};
}

Result<Checkpoint> checkpoint_from(const Json& json) {
    const auto* number = find(json, "checkpoint");
    const auto* heads = find(json, "heads");
    const auto* rollback = find(json, "rollback");
    const auto time = parse_instant(text_or(json, "time", ""));
    if (number == nullptr || !number->is_number_unsigned() || heads == nullptr || !heads->is_array() || !time)
        return invalid("it has no number, time or heads");
    Checkpoint checkpoint;
    checkpoint.number = number->get<std::uint64_t>();
    checkpoint.time = *time;
    checkpoint.tenant = TenantName(text_or(json, "tenant", ""));
    checkpoint.rollback = rollback != nullptr && *rollback == Json(true);
    checkpoint.previous = text_or(json, "previous", "");
    for (const auto& item : *heads) {
        auto head = head_from(item);
        if (!head) return head.error();
        checkpoint.heads.push_back(*std::move(head));
    }
    return checkpoint;
}

}  // namespace

std::string signed_line(const Checkpoint& checkpoint, const SigningKey& key) {
    auto json = to_json(checkpoint, key.verifying_key().id());
    json["signature"] = to_base64(key.sign(canonical_json(json)));
    return canonical_json(json);
}

Result<SignedLine> parse_signed_line(std::string_view line) {
    auto json = parse_json(line, line_limits);
    if (!json) return json.error();
    if (!json->is_object() || canonical_json(*json) != line) return invalid("it is no canonical JSON object");
    auto checkpoint = checkpoint_from(*json);
    if (!checkpoint) return checkpoint.error();
    auto signature = from_base64(text_or(*json, "signature", ""));
    if (!signature) return signature.error();
    json->erase("signature");
    return SignedLine{*std::move(checkpoint), text_or(*json, "key", ""), canonical_json(*json),
                      *std::move(signature)};
}

std::string line_digest(std::string_view line) {
    return to_hex(bytes_of(sha256(line)));
}

Result<void> SinkCheck::take(std::string_view line) {
    ++lines_;
    const auto parsed = parse_signed_line(line);
    if (!parsed) return parsed.error();
    if (const auto fits = follow(*parsed); !fits) return fits;
    last_number_ = parsed->checkpoint.number;
    last_digest_ = line_digest(line);
    return add_heads(parsed->checkpoint);
}

Result<void> SinkCheck::follow(const SignedLine& line) {
    const auto& checkpoint = line.checkpoint;
    const auto key = std::find_if(keys_.begin(), keys_.end(),
                                  [&](const VerifyingKey& one) { return one.id() == line.key; });
    if (key == keys_.end()) return denied("it is signed by key " + line.key + ", which was not given");
    if (!key->verifies(line.message, line.signature)) return denied("the signature does not fit");
    if (std::exchange(begins_, false)) return {};
    if (checkpoint.previous != last_digest_) return invalid("it does not follow the line before");
    if (checkpoint.number != last_number_ + 1)
        return invalid("checkpoint " + std::to_string(checkpoint.number) + " follows " +
                       std::to_string(last_number_));
    return {};
}

Result<void> SinkCheck::add_heads(const Checkpoint& checkpoint) {
    if (checkpoint.rollback) {
        ++rollbacks_;
        std::erase_if(heads_,
                      [&](const auto& entry) { return entry.first.first == checkpoint.tenant.text(); });
    }
    for (const auto& head : checkpoint.heads) {
        auto& known = heads_[{checkpoint.tenant.text(), head.stream}];
        // A new file begins with all heads, those that have not grown too.
        if (!known.empty() && head.seq == known.back().seq && head.hash == known.back().hash) continue;
        if (!known.empty() && head.seq <= known.back().seq)
            return invalid("stream " + head.stream + " goes from " + std::to_string(known.back().seq) +
                           " to " + std::to_string(head.seq));
        known.push_back({checkpoint.number, head.seq, head.hash});
    }
    return {};
}

}  // namespace engine
