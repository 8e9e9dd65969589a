string.upper = function() return "pwn" end string.foo = function() return 1 end return ("x"):upper() .. ("x"):foo()
