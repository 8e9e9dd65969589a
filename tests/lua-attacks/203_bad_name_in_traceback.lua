local t={["\xff\xfe\n\27[31m"]=function() error("boom") end} t["\xff\xfe\n\27[31m"]()
