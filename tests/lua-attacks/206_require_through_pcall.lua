local function f() return pcall(require,"scripts/self_a") end while true do f() end
