#pragma once
/// The handlers of all routes, by the file they are in.

#include "engine/http/route.h"

namespace engine::http {

// intake.cpp
void post_hook(Context& context, const Request& request, const Visit& visit, Respond respond);
void get_hook(Context& context, const Request& request, const Visit& visit, Respond respond);
void post_events(Context& context, const Request& request, const Visit& visit, Respond respond);

// reading.cpp
void get_decision(Context& context, const Request& request, const Visit& visit, Respond respond);
void get_entity(Context& context, const Request& request, const Visit& visit, Respond respond);
void get_history(Context& context, const Request& request, const Visit& visit, Respond respond);
void get_journal(Context& context, const Request& request, const Visit& visit, Respond respond);

// operating.cpp
void get_dead_letters(Context& context, const Request& request, const Visit& visit, Respond respond);
void post_dead_letter_retry(Context& context, const Request& request, const Visit& visit, Respond respond);
void post_dead_letter_discard(Context& context, const Request& request, const Visit& visit, Respond respond);
void get_lanes(Context& context, const Request& request, const Visit& visit, Respond respond);
void post_lane_release(Context& context, const Request& request, const Visit& visit, Respond respond);
void get_timers(Context& context, const Request& request, const Visit& visit, Respond respond);
void get_rules(Context& context, const Request& request, const Visit& visit, Respond respond);
void post_dry_run(Context& context, const Request& request, const Visit& visit, Respond respond);

// routing.cpp
void get_escalations(Context& context, const Request& request, const Visit& visit, Respond respond);
void get_escalation_audit(Context& context, const Request& request, const Visit& visit, Respond respond);
void get_escalations_of_entity(Context& context, const Request& request, const Visit& visit, Respond respond);
void get_on_call(Context& context, const Request& request, const Visit& visit, Respond respond);
void get_desk(Context& context, const Request& request, const Visit& visit, Respond respond);
void get_desk_agent(Context& context, const Request& request, const Visit& visit, Respond respond);
void get_desk_queue(Context& context, const Request& request, const Visit& visit, Respond respond);

// health.cpp
void get_livez(Context& context, const Request& request, const Visit& visit, Respond respond);
void get_readyz(Context& context, const Request& request, const Visit& visit, Respond respond);
void get_metrics(Context& context, const Request& request, const Visit& visit, Respond respond);
void get_version(Context& context, const Request& request, const Visit& visit, Respond respond);
void get_openapi(Context& context, const Request& request, const Visit& visit, Respond respond);

}  // namespace engine::http
