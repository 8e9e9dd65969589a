require(("x"):rep(200000))
