ctx.event = nil ctx.ticket = 5 ctx.entity = 7 ctx.kind = "contact" pcall(ctx.set, "contact.name", "x") ctx.set("ticket.subject", "y") return ctx.get("ticket.subject")
