local g=("a b c"):gmatch("%a") local function r() local x=g() if x then return x..r() end return "" end ctx.log(r()) ctx.log(pcall(g),pcall(pairs{},1,2))
