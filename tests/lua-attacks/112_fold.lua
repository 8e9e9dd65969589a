local s = ("\u{C4}"):rep(100000) while true do text.fold(s) text.contains(s, s) end
