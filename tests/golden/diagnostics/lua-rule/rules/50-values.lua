local rule = {
  id = "values",
  on = function() return "ticket.created" end,
  when = { "ticket.priority", "high" },
  orders = 5,
  run = "scripts/a.lua#run",
}
rule.id = "again"
function rule.helper(ctx) end
return rule
