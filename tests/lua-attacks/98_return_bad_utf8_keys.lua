local t = {} for i = 128, 255 do t[string.char(i)] = i end return t
