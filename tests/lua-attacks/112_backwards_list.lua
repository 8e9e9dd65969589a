local t = {} for i = 200000, 1, -1 do t[i] = i end
