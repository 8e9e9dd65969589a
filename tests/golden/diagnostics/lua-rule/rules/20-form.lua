local rule = { "first" }
rule.id = "form"
rule.on, rule.order = "ticket.created", 100
if true then
  rule.stop = true
end
rule["group" .. 1] = "desk"
rule.when = {
  ["ticket.priority"] = { eq = nil },
  ["ticket.subject"] = { contains = { "a", b = "c" } },
  ["ticket.custom.seats"] = { gt = 0x10 },
  ["ticket.channel"] = "\q",
}

function rule:run(ctx)
end

rule = { rule }
