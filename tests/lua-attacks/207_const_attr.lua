local x <const> = 5 local y <const> = "a" return (function() return x,y end)()
