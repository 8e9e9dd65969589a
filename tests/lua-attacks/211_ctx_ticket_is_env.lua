ctx.ticket=_ENV ctx.set("ticket.subject","x") ctx.unset("ticket.error") ctx.unset("ticket.pcall") ctx.log(subject,error,pcall)
