-- Who looks at what the app reports, by area and language. A table is easier to read here than twenty rules.
local specialists = {}

local matrix = {
  billing = { de = "ines", en = "mira" },
  product = { de = "jonas", en = "jonas" },
  security = { de = "mira", en = "mira" },
}

local function specialist_for(ticket)
  local area = ticket.custom and ticket.custom.area
  local by_language = matrix[area]
  if not by_language then return nil end
  return by_language[ticket.language] or by_language.en
end

-- A condition: is there anybody for it?
function specialists.is_known(ctx)
  return specialist_for(ctx.ticket) ~= nil
end

function specialists.assign(ctx)
  local who = specialist_for(ctx.ticket)
  ctx.set("ticket.assignee", who)
  ctx.log("goes to", who)
end

return specialists
