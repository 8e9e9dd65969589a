local n = 0 for i = 1, 3000 do local t = {} for j = 1, 20 do t[(i * j) % 37] = j end for k = 1, 9 do t["s" .. k] = k t["s" .. k] = nil end n = n + #t end return n
