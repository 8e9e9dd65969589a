local a, b = {}, {} a.b = b b.a = a while true do pcall(json.encode, a) end
