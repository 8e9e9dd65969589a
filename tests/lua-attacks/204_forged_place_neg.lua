error("scripts/witness.lua:-5: not me",0)
