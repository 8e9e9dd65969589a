local x <close> = nil local y <close> = false while true do local z <close> = nil end
