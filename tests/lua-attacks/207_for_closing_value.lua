for i in next,{1},nil,ctx do end
