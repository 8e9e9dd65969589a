// Questions to the journal by subject, rule, kind and time: the same rows as a look at each of them gives.

#include "engine/store/journal_query.h"
#include "tests/conformance/store/support.h"
#include "tests/support/random.h"

namespace search_test {

using namespace engine;
using namespace store_tests;

namespace {

/// An event, its decision in which some rules fired, and sometimes a delivery.
Step story(int number, testing_random::Random& random) {
    const auto about = "ticket/" + std::to_string(random.below(5));
    auto step = decided_step("e" + std::to_string(number), about, number * 1000);
    const auto stream = "p" + std::to_string(random.below(3));
    Json fired = Json::array();
    for (const auto* rule : {"escalate", "tag-\"it\"", "thank"})
        if (random.below(3) == 0) fired.push_back(rule);
    step.records[1].body = canonical_json(Json{{"fired", fired}, {"note", std::string("\0 \"thank\"", 9)}});
    if (random.below(3) == 0) {
        step.records.push_back(record_of("delivered", about, "{}"));
        step.records.back().cause_rule = random.below(2) == 0 ? "escalate" : "thank";
    }
    for (auto& record : step.records) record.stream = stream;
    return step;
}

std::vector<JournalRecord> by_looking_at_each(Store& store, const JournalQuery& query) {
    std::vector<JournalRecord> found;
    for (const auto& head : need(store.streams(acme)))
        for (auto& record : rows_of(store, acme, head.stream))
            if (fits(record, query)) found.push_back(std::move(record));
    return newest_of(std::move(found), query.limit);
}

JournalQuery some_query(testing_random::Random& random) {
    JournalQuery query;
    if (random.below(3) == 0) query.subject = subject("ticket/" + std::to_string(random.below(6)));
    if (random.below(2) == 0)
        query.rule = std::vector<std::string>{"escalate", "tag-\"it\"", "thank", "none"}[random.below(4)];
    if (random.below(2) == 0)
        query.kind = std::vector<std::string>{"event", "decision", "delivered", "none"}[random.below(4)];
    if (random.below(2) == 0) query.since = at(static_cast<int>(random.below(60)) * 1000);
    if (random.below(2) == 0) query.until = at(static_cast<int>(random.below(60)) * 1000);
    query.limit = std::vector<std::size_t>{1, 7, 1000}[random.below(3)];
    return query;
}

}  // namespace

TEST_CASE("search: gives the newest rows by subject, rule, kind and time", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    testing_random::Random random(7);
    for (int number = 0; number < 60; ++number) need(commit(*store, story(number, random)));
    Step other = decided_step("e1", "ticket/1", 5);
    other.tenant = other_tenant;
    other.seen->tenant = other_tenant;
    need(commit(*store, other));
    for (int i = 0; i < 100; ++i) {
        const auto query = some_query(random);
        INFO("query " << i << ": rule " << query.rule << ", kind " << query.kind << ", limit "
                      << query.limit);
        CHECK(texts_of(need(store->search(acme, query))) == texts_of(by_looking_at_each(*store, query)));
    }
    JournalQuery none;
    none.limit = 0;
    CHECK(need(store->search(acme, none)).empty());
    CHECK(need(store->search(TenantName(std::string("nobody")), JournalQuery())).empty());
}

}  // namespace search_test
