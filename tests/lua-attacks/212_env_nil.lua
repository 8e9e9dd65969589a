local e=error _ENV=nil e("boom")
