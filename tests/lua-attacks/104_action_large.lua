ctx.action("slack.post_message", { text = ("x"):rep(200000) })
