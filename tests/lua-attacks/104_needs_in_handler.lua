xpcall(ctx.call, function() return ctx.call("crm.find", {}) end, "crm.find", { id = 1 })
