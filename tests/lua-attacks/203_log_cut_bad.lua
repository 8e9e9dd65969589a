for i=1,30 do ctx.log(("x"):rep(1023-i)..("😀"):rep(50)) end ctx.log(("\xf0"):rep(5000))
