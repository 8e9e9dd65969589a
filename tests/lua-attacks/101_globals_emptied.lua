for k in pairs(_ENV) do _ENV[k] = nil end return pairs
