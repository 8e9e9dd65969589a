local t = {} for i = 1, 100 do t[i] = 101 - i end table.sort(t, function(a, b) for i = 1, 100 do t[i] = nil end return a < b end) return #t
