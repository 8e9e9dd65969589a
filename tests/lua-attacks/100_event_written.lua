ctx.event.type = "evil" ctx.event.id = nil ctx.ticket.subject = {} ctx.changes[1] = nil return ctx.get("event.type")
