error({message=0/0})
