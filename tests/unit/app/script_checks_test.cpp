// What `check` says of the constants in a tenant's scripts.
#include "engine/app/script_checks.h"

#include "engine/pipeline/tenant.h"
#include "tests/support/catch.h"

namespace script_checks_test {

namespace {

using Problems = std::vector<std::string>;

constexpr auto fields = R"(
fields:
  ticket.custom.seats: { type: number }
  ticket.custom.area: { type: text, values: [billing, product] }
  ticket.custom.due: { type: instant }
)";

constexpr auto connections = R"(
connections:
  chat: { connector: chat, url: "https://chat.example", sandbox: true }
)";

constexpr auto connector = R"(
name: chat
title: Chat
description: For tests.
settings:
  url: { type: url, required: true, description: The API. }
actions:
  post:
    description: Posts.
    params:
      channel: { required: true, description: Where. }
      text: { description: What. }
      count: { type: number, description: How often. }
      kind: { values: [note, alarm], description: Which. }
      blocks: { type: list, description: Parts. }
    request: { method: POST, url: "{{ settings.url }}" }
lookups:
  find_person:
    description: Finds.
    params:
      email: { required: true, description: Whom. }
      limit: { type: number, description: How many. }
    request: { method: GET, url: "{{ settings.url }}" }
)";

Problems problems(const std::string& body) {
    const rules::Files files{
        {"tenant.yaml", "name: acme\n"},
        {"fields.yaml", fields},
        {"connections.yaml", connections},
        {"connectors/chat/connector.yaml", connector},
        {"rules/a.yaml", "rules:\n  - id: a\n    on: ticket.created\n    then: [ { lua: scripts/a.lua } ]\n"},
        {"scripts/a.lua", body}};
    engine::Diagnostics diagnostics;
    const auto tenant = engine::load_tenant(engine::TenantName("acme"), files, {}, diagnostics);
    for (const auto& diagnostic : diagnostics.sorted()) UNSCOPED_INFO(engine::to_text(diagnostic));
    REQUIRE(tenant);
    Problems found;
    // Calls stand here for what is written in them; what they give is of no interest.
    for (const auto& problem : engine::app::script_problems(*tenant))
        if (problem.kind != "unused-result") found.push_back(engine::to_text(problem));
    return found;
}

}  // namespace

TEST_CASE("script checks: fields that nobody knows are told of, with the nearest", "[app]") {
    CHECK(
        problems("ctx.set('ticket.prioritty', 'high')\nctx.unset('ticket.weather')\nctx.set('priority', "
                 "'high')\nlocal a = ctx.get('tickt.subject')\nreturn a, ctx.get('status'), "
                 "ctx.ticket.prioritty, ctx.ticket['subjct']") ==
        Problems{
            "scripts/a.lua:1:9: error: unknown field \"ticket.prioritty\", did you mean \"ticket.priority\"? "
            "[unknown-field]",
            "scripts/a.lua:2:11: error: unknown field \"ticket.weather\": correct it, or declare it in "
            "fields.yaml [unknown-field]",
            "scripts/a.lua:3:9: error: unknown field \"priority\", did you mean \"ticket.priority\"? "
            "[unknown-field]",
            "scripts/a.lua:4:19: error: unknown field \"tickt.subject\", did you mean \"ticket.subject\"? "
            "[unknown-field]",
            "scripts/a.lua:5:19: error: unknown field \"status\", did you mean \"ticket.status\"? "
            "[unknown-field]",
            "scripts/a.lua:5:41: error: unknown field \"ticket.prioritty\", did you mean "
            "\"ticket.priority\"? "
            "[unknown-field]",
            "scripts/a.lua:5:63: error: unknown field \"ticket.subjct\", did you mean \"ticket.subject\"? "
            "[unknown-field]"});
    CHECK(problems("ctx.set('ticket.custom.seatz', 3)") ==
          Problems{"scripts/a.lua:1:9: warning: \"ticket.custom.seatz\" is not declared in fields.yaml, did "
                   "you mean "
                   "\"ticket.custom.seats\"? [undeclared-field]"});
    CHECK(problems("return ctx.ticket.custom.seatz, ctx.ticket.requester.emial.x") ==
          Problems{"scripts/a.lua:1:26: warning: \"ticket.custom.seatz\" is not declared in fields.yaml, did "
                   "you mean "
                   "\"ticket.custom.seats\"? [undeclared-field]",
                   "scripts/a.lua:1:54: error: unknown field \"ticket.requester.emial\", did you mean "
                   "\"ticket.requester.email\"? [unknown-field]"});
    CHECK(
        problems("ctx.set('message.text', 'x')\nctx.set('event.type', 'x')\nctx.unset('ticket')") ==
        Problems{
            "scripts/a.lua:1:9: error: \"message.text\" cannot be written here: a decision writes only "
            "fields "
            "of its own entity [wrong-entity]",
            "scripts/a.lua:2:9: error: \"event.type\" cannot be written here: a decision writes only fields "
            "of its own entity [wrong-entity]",
            "scripts/a.lua:3:11: error: \"ticket\" cannot be written here: name a field of it "
            "[wrong-entity]"});
}

TEST_CASE("script checks: what is computed, given or below a list is taken for right", "[app]") {
    CHECK(
        problems(
            "local name = ctx.args.name\nctx.set('ticket.' .. name, 1)\nctx.set(name, 'x')\nctx.set('ticket.'"
            " .. 'custom.x', 1)\nreturn ctx.get('event.data.x.y'), ctx.get('args.name'), ctx.get('ticket'), "
            "ctx.get('ticket.tags.0'), ctx.get('sla.first_response.due_at'), ctx.ticket.custom.whatever, "
            "ctx.ticket.requester.email, ctx.ticket.subject:lower(), ctx.contact.name, ctx.ticket[name], "
            "ctx.ticket.tags[1], ctx.event.data.a, ctx.ticket.id") == Problems{});
    CHECK(
        problems("local function f(t, ctx) return ctx.get('ticket.custom.x') or t end\nlocal c = { ctx = {} "
                 "}\nreturn f(c.ctx.ticket.nonsense)") == Problems{});
    CHECK(problems("local real = ctx\nlocal ctx = { ticket = { nonsense = 1 } }\nreturn ctx.ticket.nonsense, "
                   "real") == Problems{});
}

TEST_CASE("script checks: values that a field does not take are told of", "[app]") {
    CHECK(
        problems("ctx.set('ticket.priority', 'urgnt')\nctx.set('ticket.custom.seats', "
                 "'3')\nctx.set('ticket.subject',"
                 " {})\nctx.set('ticket.tags', 'vip')\nctx.set('ticket.tags', { a = 1 "
                 "})\nctx.set('ticket.tags', { "
                 "'a', 5 })\nctx.set('ticket.custom', { seats = true, area = 'biling', other = 1 "
                 "})\nctx.set('ticket.custom.due', 'tomorrow')") ==
        Problems{
            "scripts/a.lua:1:28: error: \"urgnt\" is no value of ticket.priority, did you mean \"urgent\"? "
            "(low, normal, high, urgent) [unknown-enum-value]",
            "scripts/a.lua:2:32: error: ticket.custom.seats takes a number, not the text \"3\" [wrong-type]",
            "scripts/a.lua:3:27: error: ticket.subject takes a text, found a list [wrong-type]",
            "scripts/a.lua:4:24: error: ticket.tags takes a list of texts, not the text \"vip\" [wrong-type]",
            "scripts/a.lua:5:24: error: ticket.tags takes a list of texts, found a table with names "
            "[wrong-type]",
            "scripts/a.lua:6:31: error: ticket.tags takes a list of texts, found 5 [wrong-type]",
            "scripts/a.lua:7:28: error: ticket.custom.seats takes a number, not a boolean [wrong-type]",
            "scripts/a.lua:7:42: error: \"biling\" is no value of ticket.custom.area, did you mean "
            "\"billing\"? (billing, product) [unknown-enum-value]",
            "scripts/a.lua:8:30: error: ticket.custom.due takes a time such as 2026-05-04T08:00:00Z, not the "
            "text \"tomorrow\" [bad-value]"});
    CHECK(problems(
              "local p = ctx.args.p\nctx.set('ticket.priority', 'urgent')\nctx.set('ticket.priority', p or "
              "'urgnt')\nctx.set('ticket.custom.seats', -3)\nctx.set('ticket.tags', "
              "{})\nctx.set('ticket.tags', { "
              "'a', p })\nctx.set('ticket.custom', { [p] = 1, seats = p })\nctx.set('ticket.custom.any', { 1 "
              "})") == Problems{});
}

TEST_CASE("script checks: parameters of actions that are missing or do not fit are told of", "[app]") {
    CHECK(
        problems("ctx.action('chat.post', { text = 'x', kind = 'alrm' })\nctx.action('chat.post')\n"
                 "ctx.action('chat.post', { channel = {}, count = 'x', blocks = 'y', chanel = 1 "
                 "})\nctx.action('chat.psot', {})") ==
        Problems{
            "scripts/a.lua:1:12: error: chat.post needs the parameter \"channel\" [missing-parameter]",
            "scripts/a.lua:1:39: error: \"alrm\" is no value of parameter \"kind\" of chat.post, did you "
            "mean "
            "\"alarm\"? (note, alarm) [unknown-enum-value]",
            "scripts/a.lua:2:12: error: chat.post needs the parameter \"channel\" [missing-parameter]",
            "scripts/a.lua:3:27: error: parameter \"channel\" of chat.post takes a text, found a list "
            "[wrong-type]",
            "scripts/a.lua:3:41: error: parameter \"count\" of chat.post takes a number, found the text "
            "\"x\" "
            "[wrong-type]",
            "scripts/a.lua:3:54: error: parameter \"blocks\" of chat.post takes a list, found the text \"y\" "
            "[wrong-type]",
            "scripts/a.lua:3:68: error: chat.post has no parameter \"chanel\", did you mean \"channel\"? "
            "[unknown-parameter]",
            "scripts/a.lua:4:12: error: connection \"chat\" has no action \"psot\", did you mean \"post\"? "
            "[unknown-action]"});
    CHECK(problems("local key, all = 'channel', { channel = 'x' }\nctx.action('chat.post', "
                   "all)\nctx.action('chat.post',"
                   " { [key] = 'x' })\nctx.action('chat.post', { channel = 5, text = true, blocks = { { a = "
                   "1 } }, kind "
                   "= key })\nctx.action('chat.' .. key, {})") == Problems{});
}

TEST_CASE("script checks: look-ups that are not there, and their parameters, are told of", "[app]") {
    CHECK(
        problems("ctx.call('crm.find', {})\nctx.call('chat.find_persn', {})\nctx.call('chat.post', {})\n"
                 "ctx.call('chat.find_person', { mail = 'x' })\nctx.call('chat.find_person', { email = 'x', "
                 "limit = "
                 "'y' })\nctx.call('chatt.find_person', {})") ==
        Problems{
            "scripts/a.lua:1:10: error: no connection is named \"crm\" in connections.yaml "
            "[dangling-connection]",
            "scripts/a.lua:2:10: error: connection \"chat\" (chat) has no look-up \"find_persn\", did you "
            "mean "
            "\"find_person\"? [unknown-lookup]",
            "scripts/a.lua:3:10: error: connection \"chat\" (chat) has no look-up \"post\": it is an action, "
            "which ctx.action asks for [unknown-lookup]",
            "scripts/a.lua:4:10: error: chat.find_person needs the parameter \"email\" [missing-parameter]",
            "scripts/a.lua:4:32: error: chat.find_person has no parameter \"mail\", did you mean \"email\"? "
            "[unknown-parameter]",
            "scripts/a.lua:5:45: error: parameter \"limit\" of chat.find_person takes a number, found the "
            "text "
            "\"y\" [wrong-type]",
            "scripts/a.lua:6:10: error: no connection is named \"chatt\" in connections.yaml, did you mean "
            "\"chat\"? [dangling-connection]"});
    CHECK(problems("local person, problem = ctx.call('chat.find_person', { email = "
                   "ctx.ticket.requester.email })\nreturn "
                   "person, problem") == Problems{});
}

}  // namespace script_checks_test
