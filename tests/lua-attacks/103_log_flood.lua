while true do ctx.log(("x"):rep(100000)) end
