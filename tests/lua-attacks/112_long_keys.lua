local t = {} local p = ("x"):rep(200000) for i = 1, 100 do t[p .. i] = i end
