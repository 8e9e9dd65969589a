ctx.set("ticket.custom.seen\0x","y")
