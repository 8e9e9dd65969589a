for _, d in ipairs { "999999999d", "-1d", "0", "1e9s", "99999999999999999999d", "" } do ctx.log(pcall(ctx.after, d, "t")) end
