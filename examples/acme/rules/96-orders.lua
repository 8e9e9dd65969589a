-- Order numbers in what people write, AC-1234567-4, so that whoever answers sees the order. The last digit checks
-- the others: a mistyped number is not somebody else's order.

---@type signalbox.Rule
local rule = {}

rule.id = "order-is-named"
rule.description = "Whoever answers sees which order it is about"
rule.on = { "ticket.created", "ticket.updated" }
rule.order = 980

local weights = { 3, 7, 1, 3, 7, 1, 3 }

local function is_right(digits, check)
  local sum = 0
  for i, weight in ipairs(weights) do
    sum = sum + weight * tonumber(digits:sub(i, i))
  end
  return sum % 10 == tonumber(check)
end

-- The first number that can be one, or nil.
local function order_in(ticket)
  local words = (ticket.subject or "") .. "\n" .. (ticket.description or "")
  for digits, check in words:gmatch("AC%-(%d%d%d%d%d%d%d)%-(%d)") do
    if is_right(digits, check) then return "AC-" .. digits .. "-" .. check end
  end
end

-- The fields are looked up in the index of all rules; the function is asked only where they hold.
rule.when = {
  ["ticket.custom.order"] = { exists = false },
  any = {
    { ["ticket.subject"] = { contains = "AC-" } },
    { ["ticket.description"] = { contains = "AC-" } },
  },
  lua = function(ctx)
    return order_in(ctx.ticket) ~= nil
  end,
}

function rule.run(ctx)
  ctx.set("ticket.custom.order", order_in(ctx.ticket))
end

return rule
