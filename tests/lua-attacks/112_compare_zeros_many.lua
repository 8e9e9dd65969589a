local a = ("\0"):rep(250000) local b = a .. "b" while true do local x = (a < b) == (a < b) == (a < b) == (a <= b) end
