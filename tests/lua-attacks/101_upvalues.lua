local f = ("x").rep return debug, f, string.dump
