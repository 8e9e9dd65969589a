local rule = {}
rule.id = "open"
rule.on = "ticket.created"
function rule.run(ctx)
  if ctx.ticket then
    ctx.add_tags("seen")
end
return rule
