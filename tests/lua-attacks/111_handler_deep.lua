local function h() return xpcall(error, h, "x") end while true do h() end
