error("scripts/witness.lua:7: not me",0)
