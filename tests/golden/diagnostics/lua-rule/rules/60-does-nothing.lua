local rule = {}
rule.id = "does-nothing"
rule.on = "ticket.created"
rule.when = { ["ticket.staus"] = "open" }
return rule
