local t = {} for i = 1, 1000 do t[i] = i end local keep = {} table.sort(t, function(a, b) keep[#keep + 1] = ("x"):rep(10000) .. #keep return a < b end)
