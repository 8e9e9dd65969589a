-- texts of one hash: each new one is looked for among all that there are
local parts = {
  {'-dtqCDz1','7ijWr1x3','8nBwWUS-','Mp7YNxTG','i4wBXdIW',},
  {'1g8Ozppd','4UFOBwag','YMvW4TPW','ZAc58Xcy','v455IwAk',},
  {'3gzG37Yf','7OmTycfa','eKK-QI_J','hvvNoafI','iCkMgmOe','un_vGxbO',},
  {'BLxrNRtP','MHoc65rN','UWln4Bh3','fI1Zy_wD','nKrpvX_F','wcgkWvoQ',},
  {'1K0euWMM','Cs2xt5in','FjzYsnCb','GoA-Somy','U4e84Z8p','UqvI9XVZ',},
}
local kept, n = {}, 0
for _, a in ipairs(parts[1]) do for _, b in ipairs(parts[2]) do for _, c in ipairs(parts[3]) do for _, d in ipairs(parts[4]) do for _, e in ipairs(parts[5]) do
  n = n + 1
  kept[n] = a .. b .. c .. d .. e
end end end end end
return n
