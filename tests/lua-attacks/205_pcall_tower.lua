local args={} for i=1,190 do args[i]=pcall end args[#args+1]=error args[#args+1]="x" return select("#",pcall(table.unpack(args)))
