ctx.emit("kv.set",{})
