for i = 1, 65537 do ctx[i * 131071] = 1 end
