local bad = { nil_ = nil, 0/0, 1/0, -1/0, {}, {{}}, ("x"):rep(100000), "a\0b", "\xff\xfe", true, function() end, json.null, math.mininteger }
local loop = {} loop.loop = loop bad[#bad + 1] = loop
local keyed = { [{}] = 1 } bad[#bad + 1] = keyed bad[#bad + 1] = { 1, nil, 3 } bad[#bad + 1] = { 1, a = 2 } bad[#bad + 1] = { [1.5] = 1 }
for i = 0, #bad do for j = 0, #bad do
  pcall(ctx.kv.set, bad[i], bad[j]) pcall(ctx.kv.set, "k", bad[j], bad[i]) pcall(ctx.kv.delete, bad[i], bad[j])
  if type(bad[i]) ~= "string" then pcall(ctx.kv.get, bad[i]) end
end end
