error("scripts/witness.lua:99999999999999999999: not me",0)
