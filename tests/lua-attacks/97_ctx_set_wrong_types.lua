local bad = { nil_ = nil, 0/0, 1/0, -1/0, {}, {{}}, ("x"):rep(100000), "a\0b", "\xff\xfe", true, function() end, json.null, math.mininteger }
local loop = {} loop.loop = loop bad[#bad + 1] = loop
local keyed = { [{}] = 1 } bad[#bad + 1] = keyed bad[#bad + 1] = { 1, nil, 3 } bad[#bad + 1] = { 1, a = 2 } bad[#bad + 1] = { [1.5] = 1 }
local failed = 0
for i = 0, #bad do for j = 0, #bad do for _, n in ipairs { 0, 1, 2, 3, 9 } do
  local args = { bad[i], bad[j], bad[i], bad[j], bad[i], 1, 2, 3, 4 }
  if not pcall(ctx.set, table.unpack(args, 1, n)) then failed = failed + 1 end
end end end
return failed
