ctx.fail(("\xc3"):rep(2000))
