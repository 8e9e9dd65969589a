pcall(string.gsub,"x","x",function() table.sort({2,1},function() ctx.fail("deep") end) end) ctx.set("ticket.custom.seen","escaped")
