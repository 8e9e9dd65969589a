error(json.null)
