local t = ctx.now for i = 1, 100 do t = date.add(t, "3000d") end
