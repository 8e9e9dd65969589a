local s = ("a"):rep(1000) return s:find(("(a?)"):rep(32) .. ("a"):rep(1000))
