return ("x"):rep(200000)
