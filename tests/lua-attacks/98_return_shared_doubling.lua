local t = "x" for i = 1, 31 do t = { a = t, b = t } end return t
