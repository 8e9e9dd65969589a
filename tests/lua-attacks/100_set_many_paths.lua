for i = 1, 100000 do ctx.set("ticket.custom.f" .. i, i) end
