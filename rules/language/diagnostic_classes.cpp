#include "rules/language/load.h"

namespace rules {

const std::vector<DiagnosticClass>& diagnostic_classes() {
    static const std::vector<DiagnosticClass> classes{
        // The file as YAML.
        {"yaml-syntax", "The file is not YAML 1.2, or not UTF-8, or holds more than one document.",
         "Check indentation, quotes and brackets at the place; indent with spaces; remove \"---\" between "
         "parts."},
        {"anchor", "The file uses an anchor (&name), an alias (*name) or a merge key (<<).",
         "Write the value out wherever it is used: a reader of one rule then sees all of it."},
        {"tag", "A value has a tag outside the core schema, or one that does not fit it.",
         "Remove the tag. Quotes make a text of anything."},
        {"duplicate-key", "A map has one key twice.",
         "Keep one of them; two conditions on one field go into one map or into all: [ … ]."},
        {"limit", "The file is too long, too deep or holds too many values, or there are too many problems.",
         "Spread rules over several files under rules/; put the first problems right and check again."},
        // Keys and values.
        {"unknown-key", "A key that nothing reads stands here.", "Correct its spelling or remove it."},
        {"missing-key", "A key that must be there is not.", "Add it."},
        {"wrong-type",
         "A value, a template's result or an operator does not fit the type of its field or parameter.",
         "Write a value of that type. Texts are put in quotes, lists in [ ], an operator for lists is "
         "has_any."},
        {"bad-value", "A value has the right type but cannot be meant.",
         "See the message for what is possible."},
        {"unknown-enum-value", "The field or key takes one of a list of values, and this is none of them.",
         "Choose one of the list; a tenant's own values are declared in fields.yaml."},
        {"duplicate-id", "Two rules, groups, modes or named results have one name.",
         "Rename or remove one of them; ids are unique over all files of a tenant."},
        {"dangling-steps", "A step runs a list of steps that no file has.",
         "Correct the name, or write the list under `steps`, beside `rules`."},
        {"unused-steps", "No rule runs a list of steps.", "Run it from a rule, or take it out."},
        {"unknown-file", "The folder holds a YAML or Lua file that nothing reads.",
         "Rename it to one that is read, or put it under rules/ with the ending .yaml or .lua."},
        {"dangling-script", "A rule names a script, or a function of one, that there is not.",
         "Correct the name; files count from the tenant's folder, functions stand behind #."},
        {"lua-rule",
         "A file in Lua under rules/ does not say what its rule is, or not in the form that is read.",
         "Begin it with local rule = {}, end it with return rule, and write rule.id, rule.on and so on "
         "between "
         "them, outside of functions and blocks; what other files require stands in scripts/."},
        {"computed-value", "What a rule in Lua is would only be known when its file runs.",
         "Write the value itself: a text, a number, true or false, a table of them. Only rule.when and "
         "rule.run "
         "may be functions."},
        // The field catalogue.
        {"unknown-field", "No field of the catalogue or of fields.yaml has this path.",
         "Correct it, or declare it in fields.yaml; any field under <kind>.custom may be used undeclared."},
        {"undeclared-field",
         "A field under custom is not declared and its name is almost that of a declared one.",
         "Correct its spelling, or declare it too."},
        {"unknown-kind", "fields.yaml speaks of a kind of entity that is not known.",
         "Correct it, or list it under kinds."},
        {"field-conflict", "fields.yaml gives a field a type that contradicts what is known of it.",
         "Keep the known type, or choose another name."},
        {"wrong-entity", "A rule writes a field that is not of the entity its events are about.",
         "Write only the own entity; emit an event to the other one, and let a rule there write it."},
        // Calendars.
        {"unknown-zone", "A calendar names a time zone that the IANA database does not have.",
         "Write it as Europe/Berlin or America/New_York; UTC has no summer time."},
        {"overlapping-hours", "Two hours of a calendar are open at the same time.",
         "Join them, or end one where the other begins."},
        {"never-open", "A calendar has no hours on any day.", "Give it hours, or do not use it."},
        {"dangling-calendar", "A calendar is named that calendars.yaml does not have.",
         "Add it there, or correct the name."},
        {"dangling-file", "A file is named that the folder does not have.",
         "Put it there, or correct the name; it counts from the tenant's folder."},
        {"bad-holidays",
         "A file of holidays is no iCalendar file, holds too many days, or a date that is none.",
         "Export it again as .ics, correct the date, or list the days in calendars.yaml."},
        {"part-holiday", "A file of holidays has events that take hours, not days.",
         "Write what they leave open under special."},
        // Service levels.
        {"unknown-metric", "A policy has a target for a metric that does not exist.",
         "Correct its spelling."},
        // Tagging.
        {"never-matches", "An entry of tagging.yaml asks for what cannot be.",
         "Correct any, all or none, or what its fields and events are about."},
        {"duplicate-entry", "Two entries of tagging.yaml look for the same and give the same tags.",
         "Remove one of them."},
        {"shared-tag", "A tag is owned by a list under set, and given by another list or under add, too.",
         "Let one list own the tag, or give it another name: what owns a tag takes it away where its own "
         "entries do not match."},
        // Scoring.
        {"unreachable-band", "A band of a score is one that no score can lie in.",
         "Order bands from the highest down, and begin each within the score's limits."},
        {"dangling-score", "A step gives points to a score that scoring.yaml does not have.",
         "Add it there, or correct the name."},
        {"dangling-person", "Somebody is named who is no agent of routing.yaml.",
         "Add them under agents, or correct the name."},
        {"dangling-team", "A team is named that routing.yaml does not have.",
         "Add it under teams, or correct the name."},
        {"dangling-channel", "A channel is named that routing.yaml does not have.",
         "Add it under channels, or correct the name."},
        {"dangling-on-call", "An on-call schedule is named that routing.yaml does not have.",
         "Add it under on_call, or correct the name."},
        {"dangling-skill", "A queue wants a skill that no agent has.",
         "Give it to an agent, or correct the name."},
        {"dangling-queue", "A queue is named that routing.yaml does not have.",
         "Add it under queues, or correct the name."},
        {"dangling-escalation", "A step begins an escalation that routing.yaml does not have.",
         "Add it under escalations, or correct the name."},
        {"overlapping-override", "Two overrides of an on-call schedule are for the same time.",
         "Let one end where the other begins; until then the later one in the file counts."},
        // Rules.
        {"dangling-group", "A rule names a group that no file declares.",
         "Declare it under groups, or correct the name."},
        {"unlikely-event", "An event type begins with a word that is almost a kind's name.",
         "Correct it; if it is meant, nothing needs to be done."},
        {"bad-acceptance", "An acceptance names a class that no finding has, or gives no reason.",
         "Write accept: { <class>: <reason> }, with the class that stands in brackets behind the finding."},
        // Conditions.
        {"unknown-operator", "A field is compared by an operator that does not exist.",
         "Correct its spelling."},
        {"bad-regex", "The pattern of matches is not RE2 syntax, or compiles to too much.",
         "Correct the pattern; look-around and back-references do not exist in RE2."},
        {"empty-condition", "A group of conditions is empty, so it always has the same answer.",
         "Add a condition or remove the group."},
        {"never-true", "A change condition looks at something that no decision of this rule changes.",
         "Compare fields of the rule's own entity."},
        // Steps.
        {"unknown-step", "A step has a name that does not exist.",
         "Correct it; an action is written <connection>.<action>."},
        {"dangling-connection", "An action names a connection that connections.yaml does not have.",
         "Add the connection, or correct the name."},
        {"unknown-action", "The connection's connector has no such action.", "Correct its spelling."},
        {"unknown-parameter", "The action has no such parameter.", "Correct its spelling or remove it."},
        {"missing-parameter", "The action needs a parameter that is not given.", "Add it."},
        {"bad-template", "A template between {{ and }} cannot be read.",
         "Write {{ path | filter: argument }}; texts among the arguments stand in quotes."},
        {"unknown-filter", "A template uses a filter that does not exist.", "Correct its spelling."},
        {"dangling-step-result", "A result is read that no earlier step of the rule has named with as.",
         "Name the earlier action with as, and read it as steps.<as>.result; in save, begin with result."},
    };
    return classes;
}

}  // namespace rules
