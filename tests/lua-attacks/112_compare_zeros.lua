local a = ("\0"):rep(250000) local b = a .. "b" local n = 0 while true do if a < b then n = n + 1 end end
