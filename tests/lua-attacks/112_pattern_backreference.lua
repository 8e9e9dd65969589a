local s = ("ab"):rep(2000) return s:find("(.*)%1(.*)%2x")
