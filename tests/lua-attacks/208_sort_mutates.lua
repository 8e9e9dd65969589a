local t={} for i=1,300 do t[i]=-i end local n=0 table.sort(t,function(a,b) n=n+1 t[n]=nil t[n*2]=n table.remove(t) return a<b end) ctx.log(#t,n)
