local t={} for i=1,8192 do t["k"..i]=1 end ctx.log("ok") t.x=1
