local function f() return (("aa"):gsub("a", f)) end while true do pcall(f) end
