return {
  run = function(ctx)
    ctx.after(string.rep("5d", 1), "later", { type = "ticket.unanswered" })
  end,
}
