error(ctx)
