local t = {} for i = 1, 5000 do t[i] = "t" .. i end ctx.add_tags(t) for i = 1, 100 do pcall(ctx.remove_tags, t) end
