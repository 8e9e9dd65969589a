local o={} for i=1,200 do local t={} for j=1,8 do t["k"..(i*31+j*17)]=1 end t[i]=1 local ok,e=pcall(ctx.emit,"a.b",{},t) o[i]=e end ctx.set("ticket.custom.seen",text.fingerprint(table.concat(o," ")))
