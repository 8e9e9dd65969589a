local t={} for i=1,200 do t[i]=(i%7==0) and 0/0 or (i*37)%101 end table.sort(t) local o={} for i=1,200 do o[i]=tostring(t[i]) end return table.concat(o," ")
