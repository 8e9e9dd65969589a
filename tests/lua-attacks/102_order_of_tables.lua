local t = {} for i = 1, 5 do t[{}] = i t[function() end] = i end for k in pairs(t) do return k end
