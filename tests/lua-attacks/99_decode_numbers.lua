return json.decode("[" .. ("9"):rep(200000) .. "]"), json.decode("1e999"), json.decode("-0"), json.decode("18446744073709551615")
