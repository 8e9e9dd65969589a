return json.decode(("["):rep(31) .. ("]"):rep(31)), json.decode(("["):rep(33) .. ("]"):rep(33))
