for i = 1, 1e6 do ctx.after("1s", "t" .. i) end
