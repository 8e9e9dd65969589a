while true do local t = {} for i = 1, 4097 do t[i * 8191] = 1 end end
