local s = ("x"):rep(200000) while true do json.decode(s) end
