local function h(e) table.sort({3,2,1},function(a,b) error(e) end) end while true do xpcall(error,h,"x") end
