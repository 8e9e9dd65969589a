error("scripts/witness.lua:2147483648: not me",0)
