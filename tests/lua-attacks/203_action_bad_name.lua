ctx.action("\xff.\xfe",{["\xff"]=1})
