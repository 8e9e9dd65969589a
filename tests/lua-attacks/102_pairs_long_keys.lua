local p = ("x"):rep(60000) local t = {} for i = 1, 20 do t[p .. i] = i end while true do for k in pairs(t) do break end end
