for i = 1, 1e9 do local x = ("%99.99f%99.99f%99.99f"):format(1e308, -1e308, 1/3) end
