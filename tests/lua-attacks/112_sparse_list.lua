local t = {} for i = 1, 40 do t[2 ^ i] = i end local n = 0 while true do n = n + #t end
