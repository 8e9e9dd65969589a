local s = (","):rep(200000) while true do text.split(s, ",") end
