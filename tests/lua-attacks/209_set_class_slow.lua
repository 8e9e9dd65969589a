local p="["..("%a"):rep(60000).."]" while true do pcall(string.find,("0"):rep(1000),p) end
