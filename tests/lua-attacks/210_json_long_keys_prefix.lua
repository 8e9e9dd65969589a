local p=("x"):rep(4000) local t={} for i=1,60 do t[p..i]=i end while true do json.encode(t) end
