local t = {} for i = 1, 4097 do t[i * 8191] = 1 end for i = 1, 1e6 do if t[-i] then return i end end
