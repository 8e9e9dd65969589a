#include "tests/conformance/store/support.h"

namespace admin_test {

using namespace engine;
using namespace store_tests;

namespace {

ApiKey key_named(const std::string& id, const TenantName& tenant = acme) {
    ApiKey key;
    key.id = id;
    key.tenant = tenant;
    key.name = "ci";
    key.secret_digest = sha256("secret of " + id);
    key.scopes = {"events:write", "journal:read"};
    key.created = at(1);
    return key;
}

Request request_for(const std::string& command) {
    Request request;
    request.tenant = acme;
    request.command = command;
    request.arguments = {{"key", "k1"}};
    request.actor = "operator:jo";
    request.made = at(3);
    return request;
}

/// As a step: a key is journaled with whoever made it.
Result<void> put_key(Store& store, const ApiKey& key) {
    Step step;
    step.tenant = key.tenant;
    step.keys_set.push_back(key);
    return store.commit(std::vector<Step>{step});
}

}  // namespace

TEST_CASE("rule sets: the files of a version are kept as first put", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    const Json files{{"rules.yaml", "rules: []\n"}, {"scripts/a.lua", std::string(100'000, 'x')}};
    need(store->put_rule_set(acme, "sha256:1", files));
    need(store->put_rule_set(acme, "sha256:1", Json::object()));
    CHECK(*need(store->rule_set(acme, "sha256:1")) == files);
    CHECK_FALSE(need(store->rule_set(acme, "sha256:2")));
    CHECK_FALSE(need(store->rule_set(other_tenant, "sha256:1")));
}

TEST_CASE("keys: they are found by id, listed by tenant and replaced", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    need(put_key(*store, key_named("b")));
    need(put_key(*store, key_named("a")));
    need(put_key(*store, key_named("x", other_tenant)));
    CHECK(text_of(need(store->key("b"))) == text_of(key_named("b")));
    CHECK(texts_of(need(store->keys(acme))) == texts_of(std::vector<ApiKey>{key_named("a"), key_named("b")}));
    CHECK_FALSE(need(store->key("c")));

    ApiKey revoked = key_named("b");
    revoked.expires = at(100);
    revoked.revoked = at(50);
    revoked.scopes.clear();
    need(put_key(*store, revoked));
    CHECK(text_of(need(store->key("b"))) == text_of(revoked));
    CHECK(need(store->keys(acme)).size() == 2);
}

TEST_CASE("requests: they are numbered, wait for an answer and are answered once", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    Request first = request_for("dead-letters.retry");
    first.number = need(store->leave(first));
    Request second = request_for("lanes.release");
    second.number = need(store->leave(second));
    CHECK(second.number > first.number);
    CHECK(texts_of(need(store->unanswered(10))) == texts_of(std::vector<Request>{first, second}));
    CHECK(need(store->unanswered(1)).size() == 1);

    need(store->answer(first.number, Json{{"done", 1}}));
    first.answer = Json{{"done", 1}};
    CHECK(texts_of(need(store->unanswered(10))) == texts_of(std::vector<Request>{second}));
    CHECK(text_of(need(store->request(first.number))) == text_of(first));
    CHECK(store->answer(first.number, Json(2)).error().code == Code::not_found);
    CHECK(store->answer(999, Json(2)).error().code == Code::not_found);
    CHECK(text_of(need(store->request(first.number))) == text_of(first));
    CHECK_FALSE(need(store->request(999)));
}

}  // namespace admin_test
