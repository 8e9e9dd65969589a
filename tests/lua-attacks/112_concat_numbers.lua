for i = 1, 1e9 do local x = i .. i .. i .. i .. i .. i .. i .. i end
