ctx.set = function() end ctx.get = nil ctx.kv.get = print ctx.kv = nil ctx.action = error return ctx.get("event.type")
