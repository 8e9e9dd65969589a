ctx.set("ticket.custom.\xff",1) ctx.set("ticket.custom.\xfe",2) ctx.set("ticket.custom",{["\xff"]=1,["\xfe"]=2})
