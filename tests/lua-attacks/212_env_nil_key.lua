ctx.log(pcall(function() _ENV[nil]=1 end)) ctx.log(_ENV[nil],_ENV[1],_ENV[{}],_ENV[ctx]) ctx.log(ctx[nil],ctx[1],ctx[{}])
