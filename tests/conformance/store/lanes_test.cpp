#include "engine/store/codec.h"
#include "tests/conformance/store/support.h"

namespace lanes_test {

using namespace engine;
using namespace store_tests;

namespace {

template <class List>
std::vector<std::uint64_t> places_of(const List& pending) {
    std::vector<std::uint64_t> places;
    for (const auto& event : pending) places.push_back(event.place);
    return places;
}

std::vector<std::string> keys_of(const std::vector<Delivery>& deliveries) {
    std::vector<std::string> keys;
    for (const auto& delivery : deliveries) keys.push_back(delivery.key.text());
    return keys;
}

using Names = std::vector<std::string>;
using Numbers = std::vector<std::uint64_t>;
using Counters = std::pair<std::uint64_t, std::uint64_t>;

}  // namespace

TEST_CASE("pending: events wait in order of place, each partition for itself", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    Step step = step_at(1);
    for (const std::uint64_t place : {5, 1, 9, 3})
        step.pending_added.push_back(pending_of(2, place, "e" + std::to_string(place), "ticket/1"));
    step.pending_added.push_back(pending_of(15, 4, "far", "ticket/2"));
    step.pending_added[0].event_seq = 77;
    need(commit(*store, step));

    CHECK(places_of(need(store->pending(2, 0, 10))) == Numbers{1, 3, 5, 9});
    CHECK(places_of(need(store->pending(2, 3, 1))) == Numbers{5});
    CHECK(places_of(need(store->pending(2, 9, 10))).empty());
    CHECK(places_of(need(store->pending(15, 0, 10))) == Numbers{4});
    CHECK(need(store->pending(3, 0, 10)).empty());
    CHECK(need(store->pending(2, std::numeric_limits<std::uint64_t>::max(), 10)).empty());
    CHECK(text_of(need(store->pending(2, 3, 1))[0]) == text_of(step.pending_added[0]));

    Step take = step_at(2);
    take.pending_removed = {{2, 1}, {2, 9}, {2, 100}};
    need(commit(*store, take));
    CHECK(places_of(need(store->pending(2, 0, 10))) == Numbers{3, 5});
}

TEST_CASE("pending: an event points at its step's event row unless it names another", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    need(commit(*store, decided_step("e0", "ticket/1", 0)));
    Step step = step_at(1);
    step.records = {record_of("decision", "ticket/1", "{}"), record_of("event", "ticket/1", "{}"),
                    record_of("event", "ticket/1", "{}")};
    step.pending_added = {pending_of(3, 1, "a", "ticket/1"), pending_of(3, 2, "b", "ticket/1")};
    step.pending_added[1].event_seq = 2;
    need(commit(*store, step));
    const auto waiting = need(store->pending(3, 0, 10));
    CHECK(waiting[0].event_seq == 4);
    CHECK(waiting[1].event_seq == 2);
}

TEST_CASE("outbox: deliveries come in order of number and change until they are done", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    Step step = step_at(1);
    for (const std::uint64_t number : {4, 2, 8})
        step.outbox_added.push_back(delivery_of(3, number, "k" + std::to_string(number), "ticket/1"));
    step.outbox_added.push_back(delivery_of(4, 1, "other", "ticket/2"));
    need(commit(*store, step));
    CHECK(keys_of(need(store->outbox(3, 0, 10))) == Names{"k2", "k4", "k8"});
    CHECK(keys_of(need(store->outbox(3, 2, 1))) == Names{"k4"});
    CHECK(text_of(need(store->outbox(3, 2, 1))[0]) == text_of(step.outbox_added[0]));
    CHECK(need(store->outbox_size()) == 4);

    Delivery tried = step.outbox_added[0];
    tried.attempts = 3;
    tried.next_attempt = at(99);
    Step settle = step_at(2);
    settle.outbox_updated = {tried, delivery_of(3, 55, "absent", "ticket/1")};
    settle.outbox_removed = {{3, 2}, {3, 2}, {3, 77}};
    need(commit(*store, settle));

    CHECK(texts_of(need(store->outbox(3, 0, 1))) == Names{text_of(tried)});
    CHECK(keys_of(need(store->outbox(3, 0, 10))) == Names{"k4", "k8"});
    CHECK(need(store->outbox_size()) == 3);
}

TEST_CASE("outbox: a delivery is written as its JSON is", "[store]") {
    Delivery delivery = delivery_of(3, 1, "k1", "ticket/1");
    CHECK(stored_delivery(delivery) == stored_text(to_json(delivery)));
    delivery.action = {
        "r\"\\", "c\xC3\xA9", "a\x01\n", {{"deep", {1, nullptr, "\xFF"}}}, "as", {{"ticket.x", "result.id"}},
        true,    ""};
    delivery.hops = -3;
    delivery.key = DeliveryKey("\x7F");
    CHECK(stored_delivery(delivery) == stored_text(to_json(delivery)));
}

TEST_CASE("outbox: a number and a place are taken once", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    Step step = step_at(1);
    step.outbox_added = {delivery_of(3, 1, "a", "ticket/1")};
    step.pending_added = {pending_of(3, 1, "a", "ticket/1")};
    need(commit(*store, step));
    Step number = step_at(2);
    number.outbox_added = {delivery_of(3, 1, "b", "ticket/1")};
    CHECK(commit(*store, number).error().code == Code::conflict);
    Step place = step_at(2);
    place.pending_added = {pending_of(3, 1, "b", "ticket/1")};
    CHECK(commit(*store, place).error().code == Code::conflict);
    CHECK(need(store->outbox_size()) == 1);
}

TEST_CASE("counters: the largest place and number outlive their rows", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    CHECK(need(store->counters(3)) == Counters{0, 0});
    Step step = step_at(1);
    step.pending_added = {pending_of(3, 40, "a", "ticket/1"), pending_of(3, 12, "b", "ticket/1")};
    step.outbox_added = {delivery_of(3, 7, "k7", "ticket/1"), delivery_of(5, 9, "k9", "ticket/1")};
    need(commit(*store, step));
    Step gone = step_at(2);
    gone.pending_removed = {{3, 40}, {3, 12}};
    gone.outbox_removed = {{3, 7}};
    gone.dead_letters_added = {{delivery_of(6, 30, "k30", "ticket/1"), "", 0, at(1)}};
    need(commit(*store, gone));
    CHECK(need(store->counters(3)) == Counters{40, 7});
    CHECK(need(store->counters(5)) == Counters{0, 9});
    CHECK(need(store->counters(6)) == Counters{0, 30});
    Step late = step_at(3);
    late.pending_added = {pending_of(3, 20, "c", "ticket/1")};
    need(commit(*store, late));
    CHECK(need(store->counters(3)) == Counters{40, 7});
    if (!backend.lasting) return;
    store.reopen();
    CHECK(need(store->counters(3)) == Counters{40, 7});
    CHECK(need(store->outbox_size()) == 1);
}

TEST_CASE("timers: they are due by time, subject and name, over all tenants", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    CHECK(need(store->next_timers(nullptr, 10)).empty());
    Step step = step_at(1);
    step.timers_set = {timer_of("ticket/2", "a", 50), timer_of("ticket/1", "b", 50),
                       timer_of("ticket/1", "a", 50), timer_of("ticket/9", "z", 10),
                       timer_of("ticket/0", "late", 90)};
    Step foreign = step_at(1);
    foreign.tenant = other_tenant;
    foreign.timers_set = {timer_of("ticket/1", "aa", 50)};
    foreign.timers_set[0].tenant = other_tenant;
    need(commit(*store, {step, foreign}));

    const auto names_of = [](const std::vector<Timer>& timers) {
        Names names;
        for (const auto& timer : timers)
            names.push_back(timer.tenant.text() + " " + timer.subject.text() + " " + timer.name);
        return names;
    };
    const auto all = need(store->next_timers(nullptr, 10));
    CHECK(names_of(all) == Names{"acme ticket/9 z", "acme ticket/1 a", "umbrella ticket/1 aa",
                                 "acme ticket/1 b", "acme ticket/2 a", "acme ticket/0 late"});
    CHECK(texts_of(std::vector<Timer>{all.front()}) == Names{text_of(step.timers_set[3])});
    // Page by page it is the same, also from one that is gone.
    for (std::size_t i = 0; i < all.size(); ++i) {
        const auto rest = need(store->next_timers(&all[i], 2));
        const auto from = all.begin() + static_cast<std::ptrdiff_t>(i) + 1;
        const auto count = std::min<std::ptrdiff_t>(2, all.end() - from);
        CHECK(names_of(rest) == names_of(std::vector<Timer>(from, from + count)));
    }
    auto gone = all[1];
    gone.name = "aaa";
    CHECK(names_of(need(store->next_timers(&gone, 1))) == Names{"acme ticket/1 b"});
    CHECK(names_of(need(store->timers_of(acme, subject("ticket/1")))) ==
          Names{"acme ticket/1 a", "acme ticket/1 b"});
    CHECK(need(store->timers_of(acme, subject("ticket/7"))).empty());
    CHECK(need(store->timers(acme, 10)).size() == 5);
    CHECK(need(store->timers(other_tenant, 10)).size() == 1);
    CHECK(texts_of(need(store->timers(acme, 1))) == Names{text_of(step.timers_set[3])});
}

TEST_CASE("timers: setting one again moves it, removing it ends it", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    Step step = step_at(1);
    step.timers_set = {timer_of("ticket/1", "sla", 50), timer_of("ticket/1", "wait", 60)};
    need(commit(*store, step));
    Step move = step_at(2);
    move.timers_set = {timer_of("ticket/1", "sla", 70)};
    move.timers_set[0].body = {{"moved", true}};
    need(commit(*store, move));
    CHECK(texts_of(need(store->timers(acme, 10))) ==
          Names{text_of(step.timers_set[1]), text_of(move.timers_set[0])});

    Step replace = step_at(3);
    replace.timers_removed = {timer_of("ticket/1", "wait", 0), timer_of("ticket/1", "sla", 0),
                              timer_of("ticket/1", "none", 0)};
    replace.timers_set = {timer_of("ticket/1", "sla", 80)};
    need(commit(*store, replace));
    CHECK(texts_of(need(store->timers(acme, 10))) == texts_of(replace.timers_set));
    CHECK(need(store->next_timers(nullptr, 10)).front().due == at(80));
}

TEST_CASE("blocked lanes: they are listed with what waits in them until released", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    Step step = step_at(1);
    step.lanes_blocked = {blocked_of(3, "ticket/1", "e1")};
    step.pending_added = {pending_of(3, 1, "e1", "ticket/1"), pending_of(3, 2, "e2", "ticket/1"),
                          pending_of(3, 3, "e3", "ticket/2")};
    Step foreign = step_at(1);
    foreign.tenant = other_tenant;
    foreign.lanes_blocked = {blocked_of(3, "ticket/1", "e9")};
    foreign.pending_added = {pending_of(3, 4, "e9", "ticket/1")};
    need(commit(*store, {step, foreign}));

    auto lanes = need(store->blocked_lanes(acme));
    REQUIRE(lanes.size() == 1);
    CHECK(lanes[0].waiting == 2);
    lanes[0].waiting = 0;
    CHECK(text_of(lanes[0]) == text_of(step.lanes_blocked[0]));
    CHECK(need(store->blocked_lanes(TenantName())).size() == 2);
    CHECK(need(store->blocked_lanes(TenantName("nobody"))).empty());

    Step release = step_at(2);
    release.lanes_released = {blocked_of(0, "ticket/1", "")};
    need(commit(*store, release));
    CHECK(need(store->blocked_lanes(acme)).empty());
    CHECK(need(store->blocked_lanes(TenantName()))[0].tenant == other_tenant);
}

TEST_CASE("continuations: a subject's are kept until they are removed by id", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    Step step = step_at(1);
    step.continuations_set = {continuation_of("c2", "ticket/1"), continuation_of("c1", "ticket/1"),
                              continuation_of("c3", "ticket/2")};
    need(commit(*store, step));
    CHECK(texts_of(need(store->continuations(acme, subject("ticket/1")))) ==
          Names{text_of(step.continuations_set[1]), text_of(step.continuations_set[0])});

    Step next = step_at(2);
    next.continuations_set = {continuation_of("c1", "ticket/1")};
    next.continuations_set[0].continuation.results = {{"ticket", {{"result", {{"id", 5}}}}}};
    next.continuations_removed = {continuation_of("c2", "ticket/1"), continuation_of("none", "ticket/1")};
    need(commit(*store, next));
    const auto left = need(store->continuations(acme, subject("ticket/1")));
    REQUIRE(left.size() == 1);
    CHECK(left[0].continuation == next.continuations_set[0].continuation);
    CHECK(need(store->continuations(other_tenant, subject("ticket/1"))).empty());
}

TEST_CASE("dead letters: they are kept, oldest first, until removed", "[store]") {
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    Step step = step_at(1);
    step.outbox_added = {delivery_of(3, 1, "k1", "ticket/1"), delivery_of(3, 2, "k2", "ticket/1")};
    need(commit(*store, step));
    Step give_up = step_at(2);
    give_up.outbox_removed = {{3, 1}, {3, 2}};
    give_up.dead_letters_added = {{step.outbox_added[1], "410 Gone", 410, at(8)},
                                  {step.outbox_added[0], "no answer", 0, at(9)}};
    need(commit(*store, give_up));

    CHECK(texts_of(need(store->dead_letters(acme, 10))) == texts_of(give_up.dead_letters_added));
    CHECK(need(store->dead_letters(acme, 1)).size() == 1);
    CHECK(need(store->dead_letters(other_tenant, 10)).empty());
    CHECK(text_of(need(store->dead_letter(acme, DeliveryKey("k1")))) ==
          text_of(give_up.dead_letters_added[1]));
    CHECK_FALSE(need(store->dead_letter(acme, DeliveryKey("k3"))));
    CHECK_FALSE(need(store->dead_letter(other_tenant, DeliveryKey("k1"))));

    Step retry = step_at(3);
    retry.dead_letters_removed = {{3, 1}};
    retry.outbox_added = {delivery_of(3, 3, "k1", "ticket/1")};
    need(commit(*store, retry));
    CHECK_FALSE(need(store->dead_letter(acme, DeliveryKey("k1"))));
    CHECK(need(store->dead_letters(acme, 10)).size() == 1);
    CHECK(keys_of(need(store->outbox(3, 0, 10))) == Names{"k1"});
}

}  // namespace lanes_test
