local p=("x?"):rep(150) local function f(s) return (("x"):rep(150):gsub(p,f)) end for i=1,100 do pcall(f,"x") end f("x")
