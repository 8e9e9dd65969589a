return xpcall(xpcall,xpcall,xpcall,xpcall)
