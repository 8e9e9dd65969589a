for k in pairs(ctx) do ctx[k] = nil end for k in pairs(ctx) do ctx[k] = 1 end ctx = nil return ctx
