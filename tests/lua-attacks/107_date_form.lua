return date.format(ctx.now, ("%A"):rep(100000))
