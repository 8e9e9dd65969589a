while true do ctx.get("ticket") ctx.get("ticket.custom.seats") end
