xpcall(error, function(e) error(e) end, "x") while true do xpcall(error, error, "x") end
