ctx.set("ticket." .. ("a."):rep(30000) .. "b", 1)
