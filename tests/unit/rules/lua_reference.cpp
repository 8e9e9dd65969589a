// The reference page of what scripts can call: up to date.
#include "rules/lua/reference.h"
#include "tests/unit/rules/lua_support.h"

namespace lua_reference {

TEST_CASE("lua: the reference page is what the stub says", "[lua]") {
    const std::filesystem::path page = "docs/reference/lua.md";
    const auto text = rules::api_reference();
    if (std::getenv("SIGNALBOX_UPDATE_GOLDEN")) std::ofstream(page) << text;
    INFO("SIGNALBOX_UPDATE_GOLDEN=1 test_lua writes " + page.string() + " anew");
    CHECK(lua_testing::read_file(page) == text);
}

}  // namespace lua_reference
