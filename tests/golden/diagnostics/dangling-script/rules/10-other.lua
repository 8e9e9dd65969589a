local rule = {}
rule.id = "other"
rule.on = "ticket.created"
rule.when = { ["ticket.channel"] = "app", lua = "scripts/rote.lua#is_vip" }
function rule.run(ctx) end
return rule
