error("scripts/witness.lua:4294967295: not me",0)
