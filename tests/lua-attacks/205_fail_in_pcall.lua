pcall(ctx.fail,"caught?") ctx.set("ticket.custom.seen","escaped")
