ctx.call("\xff.\xfe",{["\xff"]=1})
