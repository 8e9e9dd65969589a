error({ message = ("x"):rep(100000) })
