error("scripts/witness.lua:: not me",0)
