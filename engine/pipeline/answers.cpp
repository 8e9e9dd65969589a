#include "engine/pipeline/answers.h"

#include <algorithm>

#include "engine/base/text.h"

namespace engine {
namespace {

std::string_view code_of(const Attempt& attempt) {
    if (attempt.kind == Attempt::Kind::retry || attempt.status == 0) return name_of(Code::unavailable);
    if (attempt.status == 404 || attempt.status == 410) return name_of(Code::not_found);
    if (attempt.status == 401 || attempt.status == 403) return name_of(Code::denied);
    return name_of(Code::invalid_input);
}

/// What a sandbox says; nothing of a connection that is none.
std::optional<Json> made_up(const Question& question) {
    if (!question.connection->sandbox) return std::nullopt;
    return answer_of(connectors::simulate(*question.connection, question.lookup));
}

bool is_among(const Json& wanted, const Json& params) {
    return std::all_of(wanted.items().begin(), wanted.items().end(), [&](const auto& one) {
        const auto found = params.find(one.key());
        return found != params.end() && *found == one.value();
    });
}

}  // namespace

Json unanswered(std::string_view code, std::string_view message) {
    return {{"error", {{"code", std::string(code)}, {"message", std::string(message)}}}};
}

Json unanswered(const Error& error) {
    return unanswered(name_of(error.code), error.message);
}

Json answer_of(const Attempt& attempt) {
    if (attempt.kind != Attempt::Kind::done) return unanswered(code_of(attempt), attempt.reason);
    auto value = attempt.result;
    make_plain(value);
    return {{"ok", std::move(value)}};
}

namespace {

/// Not `not_found`: that is what a connection says of what it does not know.
Result<Question> named_question(const Tenant& tenant, const std::string& what, const Json& params,
                                const std::string& key) {
    const auto dot = what.find('.');
    const auto name = what.substr(0, dot);
    const auto found = tenant.connections.find(name);
    if (found != tenant.connections.end())
        return Question{&found->second, {dot == std::string::npos ? "" : what.substr(dot + 1), params, key}};
    std::vector<std::string> names;
    for (const auto& [known, connection] : tenant.connections) names.push_back(known);
    return invalid("connections.yaml has no connection " + in_quotes(name) + hint(name, names));
}

}  // namespace

Result<Question> question_of(const Tenant& tenant, const Need& need) {
    auto question = named_question(tenant, need.what, need.params, need.key);
    if (!question) return question;
    if (auto good = connectors::check(*question->connection, question->lookup); !good) return good.error();
    return question;
}

std::optional<Json> LiveAnswers::answer(const Tenant& tenant, const Need& need, Instant now) {
    const auto kept = kept_.find({tenant.name.text(), need.key});
    // A clock that was set back makes no answer young again.
    if (kept != kept_.end() && kept->second.since <= now && now - kept->second.since < need.cache)
        return kept->second.answer;
    const auto question = question_of(tenant, need);
    return question ? made_up(*question) : unanswered(question.error());
}

void LiveAnswers::keep(const TenantName& tenant, const Need& need, const Json& answer, Instant now) {
    if (need.cache <= Duration::zero() || !answer.contains("ok") || answers_max_ == 0) return;
    const Key key{tenant.text(), need.key};
    if (const auto known = kept_.find(key); known != kept_.end()) {
        order_.erase(known->second.place);
        kept_.erase(known);
    } else if (kept_.size() >= answers_max_) {
        kept_.erase(order_.front());
        order_.pop_front();
    }
    kept_[key] = {answer, now, order_.insert(order_.end(), key)};
}

Result<GivenAnswers::Given> GivenAnswers::read_one(const Json& entry) {
    if (!entry.is_object()) return invalid("an answer is a map with answer or error");
    for (const auto& [key, value] : entry.items())
        if (key != "params" && key != "answer" && key != "error")
            return invalid("an answer has no " + in_quotes(key) + ": it has params, answer and error");
    if (entry.contains("answer") == entry.contains("error"))
        return invalid("an answer has either answer or error");
    Given given;
    if (const auto params = entry.find("params"); params != entry.end()) given.params = *params;
    if (!given.params.is_object()) return invalid("params is a map");
    if (const auto answer = entry.find("answer"); answer != entry.end()) {
        given.answer = {{"ok", *answer}};
        return given;
    }
    const auto& error = entry.at("error");
    if (!error.is_string() && !(error.is_object() && error.contains("code")))
        return invalid("error is a code, or a map with code and message");
    const auto code = error.is_string() ? error.get<std::string>() : text_or(error, "code", "");
    static const std::vector<std::string> codes{
        std::string(name_of(Code::not_found)), std::string(name_of(Code::denied)),
        std::string(name_of(Code::invalid_input)), std::string(name_of(Code::unavailable)),
        std::string(name_of(Code::exhausted))};
    if (std::find(codes.begin(), codes.end(), code) == codes.end())
        return invalid("no look-up fails with " + in_quotes(code) + ", only with " + join(codes, ", "));
    given.answer = unanswered(code, error.is_string() ? "given as an error" : text_or(error, "message", ""));
    return given;
}

Result<GivenAnswers> GivenAnswers::read(const Json& given) {
    GivenAnswers answers;
    if (!given.is_object()) return invalid("look-ups are a map: crm.find_contact: [ { answer: … } ]");
    for (const auto& [what, entries] : given.items()) {
        if (!entries.is_array()) return invalid(in_quotes(what) + " is a list of answers");
        for (const auto& entry : entries) {
            auto read = read_one(entry);
            if (!read) return invalid(in_quotes(what) + ": " + read.error().message);
            answers.given_[what].push_back(*std::move(read));
        }
    }
    return answers;
}

Result<void> GivenAnswers::check(const Tenant& tenant) const {
    for (const auto& [what, entries] : given_)
        for (const auto& entry : entries) {
            const auto question = named_question(tenant, what, entry.params, "");
            if (!question) return question.error();
            if (auto known = connectors::check_names(*question->connection, question->lookup); !known)
                return known.error();
        }
    return {};
}

std::optional<Json> GivenAnswers::answer(const Tenant& tenant, const Need& need, Instant) {
    const auto question = question_of(tenant, need);
    if (!question) return unanswered(question.error());
    if (const auto found = given_.find(need.what); found != given_.end())
        for (const auto& given : found->second)
            if (is_among(given.params, need.params)) return given.answer;
    if (auto simulated = made_up(*question)) return simulated;
    return unanswered("unavailable", "nobody is asked here, and no answer is given for " + need.what +
                                         " with " + canonical_json(need.params));
}

}  // namespace engine
