local function f(t) for _,v in ipairs(t) do f(v) end end local t={} t[1]=t f(t)
