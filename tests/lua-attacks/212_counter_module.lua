local c=require("scripts/counter") ctx.log(c.inc(),c.inc(),c.total()) c.hidden=1
