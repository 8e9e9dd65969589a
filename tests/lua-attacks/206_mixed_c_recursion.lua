local function f() return table.sort({1,2},function() return (("x"):gsub("x",function() return select(2,pcall(f)) end)) end) end for i=1,300 do pcall(f) end f()
