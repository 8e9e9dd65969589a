local types = { "ticket.created", "ticket.updated" }

local rule = { order = 100 + 5 }
rule.id = "vip-first"
rule.on = types
rule.when = {
  ["ticket.priority"] = { ["in"] = { "low", "nor" .. "mal" } },
  ["ticket.seats" .. "x"] = 5,
  any = {
    { lua = function(ctx) return ctx.ticket ~= nil end },
    { ["ticket.channel"] = channel },
  },
}

function rule.run(ctx)
  ctx.set("ticket.priority", "high")
end

return rule
