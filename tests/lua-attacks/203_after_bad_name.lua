ctx.after("1s","\xff\n",{type="\xff.x"})
