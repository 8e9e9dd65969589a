local t = {} for i = 1, 65537 do t[i * 131071] = 1 end
