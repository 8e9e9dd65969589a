table.sort({2,1,3},function(a,b) require("scripts/witness") return a<b end)
