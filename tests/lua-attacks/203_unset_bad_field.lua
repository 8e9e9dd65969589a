ctx.unset("ticket.\xed\xa0\x80")
