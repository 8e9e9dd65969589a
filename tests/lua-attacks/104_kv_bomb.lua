for i = 1, 1e6 do ctx.kv.set("k" .. i, { i }) end
