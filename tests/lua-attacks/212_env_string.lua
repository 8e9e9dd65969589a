local l=ctx.log _ENV="abc" l(upper,len) x=1
