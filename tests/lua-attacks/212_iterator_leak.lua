leak=pairs(_ENV) g=("x"):gmatch(".") c=utf8.codes("x") lib=require("scripts/counter") lib.n=(lib.n or 0)+1 ctx.log(lib.n) lib.f=leak
