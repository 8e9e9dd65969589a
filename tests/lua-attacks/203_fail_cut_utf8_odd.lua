ctx.fail("x"..("ä"):rep(700))
