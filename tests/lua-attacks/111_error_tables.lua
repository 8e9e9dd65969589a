while true do pcall(error, { message = { {} } }) pcall(error) pcall(error, nil) end
