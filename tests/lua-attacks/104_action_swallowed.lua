while true do pcall(ctx.action, "slack.post_message", { text = ("x"):rep(10000) }) end
