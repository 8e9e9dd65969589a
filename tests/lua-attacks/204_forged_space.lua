error("scripts/witness.lua:   +12: not me",0)
