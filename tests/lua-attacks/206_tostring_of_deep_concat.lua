local s="" local e="1" for i=1,180 do e="("..e..")" end return e
