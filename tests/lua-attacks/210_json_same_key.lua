local e="{"..("\"a\":[],"):rep(25000).."\"a\":1}" while true do json.decode(e) end
