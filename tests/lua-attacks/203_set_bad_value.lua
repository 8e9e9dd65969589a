ctx.set("ticket.custom.seen","a\xff\xfe\0\27[31m\r\n\xed\xa0\x80")
