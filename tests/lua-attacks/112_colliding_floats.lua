local t = {} for i = 1, 8000 do t[i * 2.0 ^ 60] = 1 end for i = 1, 1e6 do t[i * 2.0 ^ 200] = 1 end
