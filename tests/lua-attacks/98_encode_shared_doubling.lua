local t = { "x" } for i = 1, 30 do t = { t, t } end return #json.encode(t)
