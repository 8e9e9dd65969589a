local lib = require "lib" for k in pairs(lib) do lib[k] = nil end lib[1] = lib
