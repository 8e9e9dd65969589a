local bad = { nil_ = nil, 0/0, 1/0, -1/0, {}, {{}}, ("x"):rep(100000), "a\0b", "\xff\xfe", true, function() end, json.null, math.mininteger }
local loop = {} loop.loop = loop bad[#bad + 1] = loop
local keyed = { [{}] = 1 } bad[#bad + 1] = keyed bad[#bad + 1] = { 1, nil, 3 } bad[#bad + 1] = { 1, a = 2 } bad[#bad + 1] = { [1.5] = 1 }
local names = {}
for name, f in pairs(string) do if type(f) == "function" then names[#names + 1] = name end end
for _, name in ipairs(names) do for i = 0, #bad do for j = 0, #bad do for k = 0, #bad, 5 do
  pcall(string[name], bad[i], bad[j], bad[k])
end end end end
return #names
