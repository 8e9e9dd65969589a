_ENV.make_all=function() end _ENV.__index=function() return 5 end ctx.make_all=5 ctx.__index=_ENV return nosuch
