ctx.fail(("ä"):rep(700))
