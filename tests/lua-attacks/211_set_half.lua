pcall(ctx.set,"ticket.custom.seen",function() end) pcall(ctx.set,"ticket.custom.seen",json.null) ctx.log(ctx.get("ticket.custom.seen"),ctx.ticket.custom)
