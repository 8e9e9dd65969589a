return { ["\xff"] = "\xc0\x80", ("\xed\xa0\x80"):rep(1000) }
