ctx.log("a\r\nFAKE level=error\27[31m\0x", { ["\n"] = "\27" }) ctx.fail("x\nFAKE\27[0m")
