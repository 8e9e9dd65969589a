local s=(","):rep(262000) local ok,t=pcall(text.split,s,",") 
