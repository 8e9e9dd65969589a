n=(n or 0)+1 ctx.log(n) if n<5 then ctx.log(pcall(require,"scripts/attack_ME")) end
