local s = "[" .. ("0,"):rep(100000) .. "0]" while true do json.decode(s) end
