for i=1,3 do do goto continue end local x ::continue:: end
