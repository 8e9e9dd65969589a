local rule = {}
rule.id = "kept-words"
rule.on = "ticket.created"
rule.repeat = true
function rule.run(ctx) end
return rule
