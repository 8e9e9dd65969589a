local s=(" "):rep(262000).."1" local t={} for i=1,20000 do t[i]=s end return #string.format(("%c"):rep(20000),table.unpack(t))
