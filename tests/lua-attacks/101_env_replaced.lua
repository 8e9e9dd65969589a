_ENV = { } leftover = 1 x = { y = leftover }
