local a=("0"):rep(262000).."1" local t={} for i=1,20000 do t[i]=a end return pcall(math.max,table.unpack(t))
