while true do pcall(table.sort,{3,1,2},function(a,b) (("x"):rep(1000)):gsub(".",function() pcall(error) end) return a<b end) end
