local s=("\x80"):rep(262000) while true do utf8.offset("a"..s,-1) utf8.offset("a"..s,-1) utf8.offset("a"..s,-1)  end
