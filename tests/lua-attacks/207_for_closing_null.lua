for i in next,{1},nil,json.null do end
