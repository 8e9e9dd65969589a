_ENV=5 x=1
