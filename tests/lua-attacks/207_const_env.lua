local _ENV <const> = {error=error} local function f() return (function() return x.y.z end)() end f()
