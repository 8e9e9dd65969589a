#include "rules/checker/finding.h"

namespace rules {

const std::vector<FindingClass>& finding_classes() {
    static const std::vector<FindingClass> classes{
        {"never-fires", "The rule's conditions contradict each other: no event makes all of them hold.",
         "Put conditions that are alternatives under any; else correct or remove one."},
        {"always-true", "A condition holds whatever an event brings, so it keeps nothing out.",
         "Remove it, or write what was meant."},
        {"duplicate-rule", "Two rules do the same under the same conditions.", "Remove one of them."},
        {"subsumed-rule",
         "Whenever the rule's conditions hold, those of another rule hold too, and both do the same.",
         "Remove it, or let it do something of its own."},
        {"shadowed-rule",
         "Whenever the rule's conditions hold, an earlier rule ends the processing or takes the group's "
         "turn.",
         "Put the narrower rule first, or narrow the earlier one."},
        {"write-conflict",
         "Two rules that can match one event write different values to one field; the example shows it.",
         "Let their conditions exclude each other, put them into a first_match group, or accept it."},
        {"trigger-cycle",
         "Rules set each other off: what one writes or emits can make the next match, and so back to the "
         "first.",
         "Let one of them ask for what the round makes impossible, such as a tag that it sets; or accept "
         "it."},
        {"unhandled-event", "An event that a rule emits, or all that a connection brings, finds no rule.",
         "Correct the type, add a rule for it, or remove the step or connection."},
        {"unwritten-field",
         "A rule reads a field of the tenant's own that no rule and no connection writes and fields.yaml "
         "does "
         "not declare.",
         "Correct its name, or declare it in fields.yaml when it comes from elsewhere."},
        {"overruled-write", "A rule writes a field that a score of scoring.yaml owns, and that is replaced.",
         "Write another field and let the score read it, or remove the step."},
        {"never-holds",
         "The conditions of a service level, a score, a tagging entry, a queue or an escalation contradict "
         "each other: nothing makes all of them hold.",
         "Put conditions that are alternatives under any; else correct or remove one."},
        {"unreachable-policy",
         "Whenever a service level's conditions hold, those of an earlier one hold, too, and that is chosen.",
         "Put the narrower policy first, or narrow the earlier one."},
        {"unreachable-queue",
         "Wherever rules let queues be chosen by conditions, another one is asked before this and fits "
         "whenever "
         "it does; and nothing names it alone.",
         "Put the narrower queue first, or narrow the earlier one."},
        {"unused-queue",
         "No rule routes anything to the queue, and no other queue names it under out_of_hours or overflow.",
         "Name it in a step route, or remove it once nothing waits in it."},
        {"unused-escalation", "No rule begins the escalation.",
         "Begin it in a rule with the step escalate, or remove it."},
        {"unset-timer", "A rule cancels a timer, and neither a rule nor a script sets one of that name.",
         "Correct the name: it is that of a step emit with after or at, or else the type of what it emits, "
         "and in scripts the second argument of ctx.after."},
        {"idle-wait", "A rule waits, and nothing comes behind the wait.",
         "Write behind it what is to be done then, or remove it."},
        {"costly-rule", "Testing the rule's conditions takes many times what the others take.",
         "Put a cheap condition that seldom holds beside the long ones, or divide the rule."},
        {"stale-acceptance", "A rule accepts a finding that is not there any more.",
         "Remove the acceptance."},
        {"check-limit", "Something was not looked at, because a limit was reached.",
         "Raise the limit that the message names, or put other findings right first."},
    };
    return classes;
}

}  // namespace rules
