local function h(e) return xpcall(error,h,e) end for i=1,1000 do xpcall(error,h,i) end
