ctx.log("\u{9b}31m\u{85}\u{2028}\u{202e}") error("\u{9b}31mX\u{202e}Y\u{2028}Z")
