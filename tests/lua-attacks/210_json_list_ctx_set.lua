json.list(ctx) ctx.set("ticket.custom.seen","x") json.list(ctx.kv)
