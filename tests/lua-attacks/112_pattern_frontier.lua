local s = ("a "):rep(50000) while true do s:gsub("%f[%w]%w+", "") end
