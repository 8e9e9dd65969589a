local s=("9"):rep(262000) local t={} for i=1,4000 do t[i]=s end return math.min(table.unpack(t))
