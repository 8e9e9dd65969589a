ctx.emit("ticket.\xff\n\0",{})
