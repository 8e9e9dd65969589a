ctx.set("ticket.custom.seen.x",{a=1})
