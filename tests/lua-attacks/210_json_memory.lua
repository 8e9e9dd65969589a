local e="["..("[],"):rep(80000).."[]]" for i=1,50 do local ok,v=pcall(json.decode,e) v=nil end
