local t = {} for i = 1, 1e7 do t[i] = { 1, 2, 3, 4 } end
