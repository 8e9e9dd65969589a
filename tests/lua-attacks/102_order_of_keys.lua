local t = {} for i = 1, 200 do t["k" .. i * 7919 % 1000] = i end local s = "" for k in pairs(t) do s = s .. k end for k in next, t do s = s .. k end return text.fingerprint(s)
