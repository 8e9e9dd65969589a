for i = 1, 100 do pcall(ctx.call, "crm.find", { id = i }) end while true do end
