return {
  run = function(ctx)
    ctx.after("5d", "la" .. "te", { type = "ticket.unanswered" })
  end,
}
