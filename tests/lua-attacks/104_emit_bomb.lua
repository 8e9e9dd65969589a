while true do ctx.emit("ticket.updated", {}) end
