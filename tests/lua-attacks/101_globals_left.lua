leftover = { ctx = ctx, f = function() return leftover end } lib = require "lib" lib.count = 77 lib.extra = leftover
