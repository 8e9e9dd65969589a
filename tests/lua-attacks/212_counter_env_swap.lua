local c=require("scripts/counter") c.setenv({}) ctx.log(pcall(c.glob)) local d=require("scripts/witness2") ctx.log(d)
