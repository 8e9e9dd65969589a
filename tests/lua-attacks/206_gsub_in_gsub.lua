local function f(s) return (s:gsub(".",f)) end pcall(f,"x") for i=1,2000 do pcall(f,"x") end
