local lib = require("scripts/lib.lua") lib.count = ctx local again = require "lib" return again == lib
