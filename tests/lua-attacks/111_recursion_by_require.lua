require "attack"
