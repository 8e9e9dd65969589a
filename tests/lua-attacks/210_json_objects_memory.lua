local e="["..("{},"):rep(80000).."{}]" local x=json.decode(e) while true do json.encode(x) end
