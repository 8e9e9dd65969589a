string.rep=nil string.x=ctx for k in pairs(string) do string[k]=function() return "pwn" end end utf8.char=nil math.random=function() return 4 end json.null=5 text.leak=("x"):rep(100000)
