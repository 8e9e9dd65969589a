ctx.kv.set("\xff\xfe",1) ctx.kv.set("\xfe\xff",2) return ctx.kv.get("\xff\xff")
