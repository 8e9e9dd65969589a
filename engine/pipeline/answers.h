#pragma once
/// AnswerSource: who says at once what scripts ask connections for, and what is said of it when nobody does.

#include <cstddef>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "connectors/kit/connector.h"
#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/model/decision.h"
#include "engine/model/delivery.h"
#include "engine/pipeline/engine.h"

namespace engine {

/// What a script is told instead of an answer: `{"error":{"code","message"}}`.
Json unanswered(std::string_view code, std::string_view message);
Json unanswered(const Error& error);
/// What a script is told of what came of asking: `{"ok": value}`, or the error.
Json answer_of(const Attempt& attempt);

/// Whom a script asks, and what: `crm.find_contact` is look-up `find_contact` of connection `crm`. Fails with
/// invalid_input when the tenant has no such connection, or the question cannot be put.
struct Question {
    const connectors::Connection* connection = nullptr;  ///< the tenant's
    connectors::Lookup lookup;
};
Result<Question> question_of(const Tenant& tenant, const Need& need);

/// One thread.
class AnswerSource {
public:
    virtual ~AnswerSource() = default;
    /// `{"ok": value}` or what unanswered gives; nothing = it has to be asked for.
    virtual std::optional<Json> answer(const Tenant& tenant, const Need& need, Instant now) = 0;
    /// What came when it was asked for.
    virtual void keep(const TenantName&, const Need&, const Json& /*answer*/, Instant /*now*/) {}
};

/// For an engine that can ask: says what it was told not longer ago than the script allows, what a sandbox
/// connection makes up, and what is wrong with questions that cannot be put.
class LiveAnswers final : public AnswerSource {
public:
    /// Keeps so many answers; the one kept first goes first.
    explicit LiveAnswers(std::size_t answers_max) : answers_max_(answers_max) {}
    std::optional<Json> answer(const Tenant& tenant, const Need& need, Instant now) override;
    /// Only what was found, and only what may be used again.
    void keep(const TenantName& tenant, const Need& need, const Json& answer, Instant now) override;

private:
    using Key = std::pair<std::string, std::string>;  ///< tenant, the question
    struct Kept {
        Json answer;
        Instant since{};
        std::list<Key>::iterator place;
    };

    std::size_t answers_max_;
    std::map<Key, Kept> kept_;
    std::list<Key> order_;  ///< the oldest first
};

/// For a rehearsal, which asks nobody: says what was given for it, and what sandbox connections make up.
class GivenAnswers final : public AnswerSource {
public:
    /// `{"crm.find_contact": [{"params": {…}, "answer": value}, {"error": "not_found"}]}`: the first whose
    /// params are among those asked with is meant; without params it always is. Fails with invalid_input.
    static Result<GivenAnswers> read(const Json& given);
    /// Whether the tenant has what they answer: a misspelt one would answer nothing. Fails with
    /// invalid_input.
    Result<void> check(const Tenant& tenant) const;
    std::optional<Json> answer(const Tenant& tenant, const Need& need, Instant now) override;

private:
    struct Given {
        Json params = Json::object();
        Json answer;
    };
    static Result<Given> read_one(const Json& entry);

    std::map<std::string, std::vector<Given>> given_;
};

}  // namespace engine
