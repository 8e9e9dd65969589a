local args={} for i=1,100 do args[2*i-1]=xpcall args[2*i]=pcall end return pcall(table.unpack(args))
