local t = {} for i = 1, 9000 do t[i] = '"k' .. i .. '":1' end return json.decode("{" .. table.concat(t, ",") .. "}")
