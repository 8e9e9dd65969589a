error("\xff\xfe\27[31m\0\r\nlevel=error fake")
