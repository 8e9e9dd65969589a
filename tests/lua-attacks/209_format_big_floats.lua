return #string.format(("%99.99f"):rep(500),table.unpack((function() local t={} for i=1,500 do t[i]=-1.7976931348623157e308 end return t end)()))
