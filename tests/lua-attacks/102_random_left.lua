for i = 1, 1000 do math.random() end math.randomseed(1)
