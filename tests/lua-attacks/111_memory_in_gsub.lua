local keep = {} local s = ("a"):rep(1000) s:gsub("a", function() keep[#keep + 1] = ("x"):rep(100000) .. #keep end)
