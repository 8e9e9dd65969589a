local s = '"' .. ("\\u0000"):rep(40000) .. '"' while true do json.decode(s) end
