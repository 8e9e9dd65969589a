-- Reports from the app that say the same within an hour are one: the later ones point at the first.
local duplicates = {}

local an_hour = 3600

-- The same person with the same words, however they are written.
local function key_of(ticket)
  local who = ticket.requester and ticket.requester.email or ""
  return "report-" .. text.fingerprint(text.fold(who), text.fold(text.trim(ticket.subject or "")))
end

function duplicates.mark(ctx)
  local key = key_of(ctx.ticket)
  local first, version = ctx.kv.get(key)
  if first and date.diff(first.at, ctx.now) < an_hour then
    ctx.set("ticket.custom.duplicate_of", first.subject)
    ctx.add_tags("duplicate")
  else
    -- Of two that come at once the second write finds another version, and changes nothing.
    ctx.kv.set(key, { subject = ctx.event.subject, at = ctx.now }, { version = version })
  end
end

return duplicates
