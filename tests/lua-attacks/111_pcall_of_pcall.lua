local f = pcall for i = 1, 10 do local g = f f = function(...) return pcall(g, ...) end end while true do pcall(pcall, pcall, f, error) end
