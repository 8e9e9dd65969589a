local f, s = pairs(_ENV) for i = 1, 100 do f() end for k in f do _ENV[k] = nil end
