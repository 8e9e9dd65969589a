local g=("aaaa"):gmatch("()a") ctx.log(g(),g(),g(),g(),g(),g()) local h=("x"):gmatch("") ctx.log(h(),h(),h()) local f=("k=v"):gmatch("(%w)=(%w)") ctx.log(f("other","args"))
