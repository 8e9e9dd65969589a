local s=("ŉ"):rep(130000) for i=1,5 do s=text.upper(s) ctx.log(#s) end
