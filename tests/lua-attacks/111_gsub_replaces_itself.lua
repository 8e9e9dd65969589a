local s = ("a"):rep(100) return (s:gsub("a", function() string.gsub = nil return ("b"):rep(2000) end))
