error(_ENV)
