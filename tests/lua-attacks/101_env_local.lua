local _ENV <const> = { } leftover = 1 return leftover
