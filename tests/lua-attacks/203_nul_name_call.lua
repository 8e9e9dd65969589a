local t={} t["a\0b"]()
