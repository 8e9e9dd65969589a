local s = "[" .. ("{},"):rep(80000) .. "{}]" return #json.decode(s)
