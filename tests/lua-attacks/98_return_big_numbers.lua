return { math.maxinteger, math.mininteger, 2^53, 2^53 + 1, -2^63, 1e308, 5e-324 }
