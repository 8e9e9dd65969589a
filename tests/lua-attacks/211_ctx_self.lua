ctx.ticket=ctx ctx.entity=ctx pcall(ctx.set,"ticket.pairs","x") ctx.log(type(ctx.pairs)) pcall(ctx.log,ctx) pcall(json.encode,ctx)
