for i = 1, 1e6 do ctx.action("slack.post_message", { text = "x" }) end
