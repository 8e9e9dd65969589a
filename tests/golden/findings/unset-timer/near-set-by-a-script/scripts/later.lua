return {
  run = function(ctx)
    ctx.after("5d", "late", { type = "ticket.unanswered" })
  end,
}
