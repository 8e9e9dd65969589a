local s = ("x"):rep(250000) while true do text.fingerprint(s, "a") end
