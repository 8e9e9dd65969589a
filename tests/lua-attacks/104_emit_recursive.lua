local data = {} data.data = data ctx.emit("ticket.updated", data)
