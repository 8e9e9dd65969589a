local t = {} for i = 1, 50000 do t[i] = "x" end ctx.log(table.unpack(t))
