pcall(ctx.kv.set,"half",{a=function() end}) pcall(ctx.kv.set,"half",1,{version="x"}) ctx.log(ctx.kv.get("half"))
