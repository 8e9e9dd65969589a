table.sort({2,1},function() return ctx.call("crm.x",{}) end)
