ctx.log(pcall(require,"scripts/cyc_a")) ctx.log(pcall(require,"scripts/cyc_b"))
