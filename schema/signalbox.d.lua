---@meta
--
-- What scripts of Signalbox can call. This file is the definition: editors complete from it (LuaLS), the daemon checks
-- arguments by it, and the reference page is made from it.
--
-- Instants are texts (`2026-05-04T08:00:00Z`), spans are texts (`90s`, `1h30m`, `3d`), both of 64 bytes at most, and a
-- field is named as in rules (`ticket.priority`). A null member of what comes in is absent; a null item of a list is `json.null`.
-- Of Lua 5.4 there are: assert error ipairs next pairs pcall require select tonumber tostring type xpcall, and
-- the libraries math (without randomseed), string (without dump, pack, unpack), table and utf8. There are no
-- metatables, coroutines, load, collectgarbage, rawget and the like, print, io, os, debug. `pairs` and `next` go
-- through numbers upwards, then texts by their bytes, then false, true and json.null; a table with other keys cannot be gone through.
-- `table.sort` keeps what is equal in its order. Texts are not turned into numbers by arithmetic: say tonumber.
-- Where a table with holes ends is not defined: not for `#`, nor for what looks for the end itself, `table.insert` and
-- `table.remove` without a position, `table.unpack` and `table.concat` without a last one, and `table.sort`.
-- A run has limits (`scripts` in tenant.yaml). One that reaches a limit ends there, and pcall does not catch that.

---@class signalbox.Change
---@field field string `ticket.priority`
---@field from any? Nil when there was no value.
---@field to any? Nil when there is none any more.
---@field rule? string The rule that did it; nil when the event did.

---The event, as `event` in rules.
---@class signalbox.Event
---@field id string Unique together with the source.
---@field type string `ticket.created`
---@field subject string Whom it is about, `ticket/zendesk:17`.
---@field source string Who sent it.
---@field connection? string The connection it came through.
---@field time string When it happened at the source, else when it came in.
---@field actor? string Who did it at the source.
---@field data table The payload as it came: of `ticket.created` with `ticket` in it, of a timer what was given to ctx.after.

---Members of `ctx` too: the entity and what is linked to it, by kind, each as fields of its kind are named. What the decision
---does not know is nil: an event about a lead has no `ctx.ticket`. An entity of the kind call is `ctx.entity` alone, since
---`ctx.call` looks things up; `ctx.get("call.status")` reads it, too.
---@class signalbox.Entities
---@field ticket table?
---@field conversation table?
---@field message table?
---@field contact table?
---@field company table?
---@field lead table?

---@class signalbox.ActionOptions
---@field as? string Name under which a later step of the rule reads the result.

---@class signalbox.EmitOptions
---@field subject? string Whom the event is about, `ticket/17`; the entity of this decision without it.

---@class signalbox.AfterOptions
---@field type? string Type of the event that comes then; `timer.<name>` without it.
---@field data? table The event's `data`.

---@class signalbox.CallOptions
---@field cache? string So old an answer may be, `10m`; without it the engine asks anew.

---@class signalbox.SetOptions
---@field version? integer Fails unless the value has this version; 0 = there is none yet.

---@class signalbox.CallError
---@field code string `not_found`, `unavailable`, `denied` and so on.
---@field message string

---What the decision knows, and what the script asks for. It is the argument of the function that is called.
---@class signalbox.Ctx : signalbox.Entities
---@field event signalbox.Event The event.
---@field kind string Kind of the entity, `ticket`.
---@field entity table The entity; the same table is also there by its kind, `ctx.ticket`. Its own copy: what is written into it goes nowhere, say ctx.set.
---@field changes signalbox.Change[] What this event has changed; in a later pass of the decision, what rules have.
---@field sla table? Clocks of service levels by name.
---@field args table? What the step gives it under `with`.
---@field value any? In a connector's function: what it makes something of.
---@field subject string Whom the event is about, `ticket/zendesk:17`.
---@field escalations table? Escalations by name.
---@field steps table? Results of the rule's steps, by their `as`.
---@field now string The decision's time, and a script's only clock.
ctx = {}

---Gives the value of a field with what this run has written: `ctx.get("ticket.custom.seats")`. Nil when it is absent.
---@param field string
---@return any
function ctx.get(field) end

---Sets a field of the entity.
---@param field string Path from the kind, `ticket.priority`.
---@param value any
function ctx.set(field, value) end

---Removes the value of a field of the entity.
---@param field string
function ctx.unset(field) end

---Adds tags to the entity that it does not have.
---@param tags string|string[]
function ctx.add_tags(tags) end

---Takes tags from the entity.
---@param tags string|string[]
function ctx.remove_tags(tags) end

---Asks for an action of a connection: `ctx.action("slack.post_message", { channel = "#support", text = "…" })`.
---@param action string `connection.action`
---@param params? table
---@param options? signalbox.ActionOptions
function ctx.action(action, params, options) end

---Emits an event, which is decided after this one.
---@param type string
---@param data? table
---@param options? signalbox.EmitOptions
function ctx.emit(type, data, options) end

---Sets a timer of the entity. A timer of the same name is replaced.
---@param delay string
---@param name string
---@param options? signalbox.AfterOptions
function ctx.after(delay, name, options) end

---Writes a line into the decision's log; tables are written as JSON.
---@param ... any
function ctx.log(...) end

---Ends the run as failed: nothing of what it asked for is done, and the rule's `on_error` says what follows.
---@param message string
function ctx.fail(message) end

---Looks something up through a connection. The run ends here and is made again from its start when the answer is
---known, so that nothing before this line should depend on how often it is run. Gives the value, or nil and an error.
---@param lookup string `connection.lookup`
---@param params? table
---@param options? signalbox.CallOptions
---@return any value
---@return signalbox.CallError? error
function ctx.call(lookup, params, options) end

---The tenant's own values: small, shared by all scripts, each with a version that counts the writes that changed it.
---@class signalbox.Kv
ctx.kv = {}

---Gives the value and its version, or nil and 0. After a write of the same run: what was written, without a version.
---@param key string
---@return any value
---@return integer? version
function ctx.kv.get(key) end

---Sets a value.
---@param key string
---@param value any
---@param options? signalbox.SetOptions
function ctx.kv.set(key, value, options) end

---Removes a value.
---@param key string
---@param options? signalbox.SetOptions
function ctx.kv.delete(key, options) end

---A rule that is a file of its own, `rules/96-vip.lua`, and returns it. What it says of itself is read from the file as it is written, before any
---code of it runs: so each value but the functions is a constant or a table of constants, written outside of functions
---and blocks, between `local rule = {}` and `return rule`. It needs an id, on, and run or stop; all others may be left out.
---@class signalbox.Rule
---@field id? string Names the rule, once in the tenant.
---@field description? string What the rule is for, for people.
---@field enabled? boolean False leaves the rule out.
---@field on? string|string[] The types of events that it is tried on, `ticket.created`, `ticket.*`.
---@field order? integer Rules run by it, then by file; 500 without it.
---@field group? string The group of rules it belongs to.
---@field stop? boolean When it fires, no further rule of the decision runs.
---@field repeat? boolean It may fire again in a later pass; written `rule["repeat"]`.
---@field on_error? string What a failure of it does: `rule`, `event` or `lane`.
---@field schedule? table Of a rule with the type `schedule`: when its event comes.
---@field accept? table<string,any> Why findings of `check` about it are meant.
---@field when? table|fun(ctx:signalbox.Ctx):boolean What must hold: conditions as in rule files in YAML, where `lua` may be a function, or one function.
---@field run? fun(ctx:signalbox.Ctx) What it does. What it asks for is done when it has ended well.

---JSON as text.
---@class jsonlib
---@field null userdata Nothing, as an item of a list or a value of its own. It is true as a condition.
json = {}

---Writes a value as JSON, always the same for the same value: keys in order, numbers shortest (RFC 8785). A table with the keys 1 to n is a
---list, an empty table an object unless `json.list` made it. Integers beyond 2^53 become texts.
---@param value any
---@return string
function json.encode(value) end

---Reads JSON; null is `json.null`. Gives the value, or nil and what is wrong.
---@param text string
---@return any value
---@return string? problem
function json.decode(text) end

---Makes the table a list, also when it is empty, and gives it back.
---@param items? table
---@return table
function json.list(items) end

---Helpers for texts.
---@class textlib
text = {}

---Takes spaces, tabs and ends of lines from both ends.
---@param s string
---@return string
function text.trim(s) end

---Splits at each separator.
---@param s string
---@param separator string
---@return string[]
function text.split(s, separator) end

---@param s string
---@param start string
---@return boolean
function text.starts_with(s, start) end

---@param s string
---@param ending string
---@return boolean
function text.ends_with(s, ending) end

---Whether the part is in the text, without regard to case.
---@param s string
---@param part string
---@return boolean
function text.contains(s, part) end

---Lower case for comparison, also of Latin, Greek and Cyrillic letters beyond ASCII, as rules fold it.
---@param s string
---@return string
function text.fold(s) end

---Upper case, also of letters beyond ASCII.
---@param s string
---@return string
function text.upper(s) end

---The words of a text, folded, without what stands between them.
---@param s string
---@return string[]
function text.words(s) end

---The first characters (not bytes) of a text.
---@param s string
---@param characters integer
---@return string
function text.truncate(s, characters) end

---`&`, `<` and `>` as Slack wants them: what people have written mentions nobody and is no link.
---@param s string
---@return string
function text.slack_escape(s) end

---A text as it stands in a URL: all but letters, digits and `-._~` percent-encoded.
---@param s string
---@return string
function text.url_encode(s) end

---A name for a text that is always the same: 32 hexadecimal digits of its SHA-256. Several texts make one name.
---@param s string
---@param ... string
---@return string
function text.fingerprint(s, ...) end

---Helpers for instants, in UTC.
---@class datelib
date = {}

---@class signalbox.Date
---@field year integer
---@field month integer
---@field day integer
---@field hour integer
---@field minute integer
---@field second integer
---@field weekday integer 1 = Monday
---@field unix number Seconds since 1970.

---Reads an instant (RFC 3339). Gives its parts, or nil and what is wrong.
---@param instant string
---@return signalbox.Date? parts
---@return string? problem
function date.parse(instant) end

---The instant as the text that the engine writes: in UTC, `2026-05-04T08:00:00Z`; also of seconds since 1970.
---@param instant string|number
---@return string
function date.text(instant) end

---Writes an instant by a form: %Y %m %d %H %M %S %j (day of the year) %u (weekday, 1 = Monday) %a %A %b %B %%.
---@param instant string
---@param form string
---@return string
function date.format(instant, form) end

---The instant later by a span, or earlier by a span that begins with `-`.
---@param instant string
---@param span string
---@return string
function date.add(instant, span) end

---Seconds from the first instant to the second.
---@param from string
---@param to string
---@return number
function date.diff(from, to) end
