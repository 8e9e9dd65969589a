for i=1,25 do ctx.log(math.exp(i/7),math.sin(i*1e15),math.tan(i),i^0.3,math.log(i,3),math.atan(i,-i)) end
