ctx.log(pcall(require,"scripts/errs")) ctx.log(pcall(require,"scripts/errs"))
