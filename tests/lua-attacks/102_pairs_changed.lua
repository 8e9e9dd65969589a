local t = { a = 1, b = 2, c = 3 } for k in pairs(t) do t[k] = nil t[k .. "x"] = 1 end for i = 1, 100 do for k in pairs(t) do t[k .. i] = i end end
