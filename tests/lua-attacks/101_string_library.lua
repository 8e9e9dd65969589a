string.upper = nil ("x").foo = 1
