ctx.set("ticket.custom.\xff",1)
