local s=(" "):rep(262000).."1" local t={} for i=1,20000 do t[i]=s end return #utf8.char(table.unpack(t))
