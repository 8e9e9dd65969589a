ctx.log(require("scripts/gives_false"),require("scripts/gives_false")) ctx.log(require("scripts/gives_nil"),require("scripts/gives_nil"))
