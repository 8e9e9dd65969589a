for _,k in ipairs{"a/b","../x","a b","\0","kv/x","ticket/1","%2e","\n","é","*",("x"):rep(256)} do ctx.kv.set(k,{v=1}) end
