ctx.ticket.custom = 3 ctx.set("ticket.custom.seats", 4) ctx.unset("ticket.custom.seats") ctx.set("ticket.custom", { a = {} }) ctx.set("ticket.custom.a.b.c.d", 1) return ctx.get("ticket")
