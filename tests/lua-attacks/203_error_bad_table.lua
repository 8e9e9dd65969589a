error({message="\xff"..("\xff"):rep(5000)})
