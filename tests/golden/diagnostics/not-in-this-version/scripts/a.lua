return { run = function(ctx) end }
