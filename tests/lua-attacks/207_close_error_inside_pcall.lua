for i=1,1000 do pcall(function() local x <close> = false local y <close> = nil error({}) end) end local z <close> = ctx
