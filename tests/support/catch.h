#pragma once
/// The test framework: the one place that knows whether Catch2 2 or 3 is installed.

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
