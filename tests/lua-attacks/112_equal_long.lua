local t = {} for i = 1, 20 do t[i] = ("x"):rep(250000) end while true do for i = 2, 20 do if t[i] ~= t[1] then return end end end
