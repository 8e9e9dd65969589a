for i = 1, 1e6 do ctx.add_tags("t" .. i) end
