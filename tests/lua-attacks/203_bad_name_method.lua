local t={["a\0b\xc3"]=5} local x = t["a\0b\xc3"].y.z
