local s = ("a b "):rep(50000) while true do text.words(s) end
