for _, t in pairs(_ENV) do if type(t) == "table" and t ~= _ENV then for k in pairs(t) do t[k] = nil end end end
