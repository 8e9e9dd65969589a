ctx.set("ticket" .. (".a"):rep(40), 1) return ctx.ticket
