local s=("a"):rep(3000) while true do pcall(string.find,s,"(a*)%1%1b") end
