#include "engine/store/url.h"

namespace engine {
namespace {

constexpr std::string_view memory_url = "sqlite::memory:";
constexpr std::string_view sqlite_scheme = "sqlite:";
constexpr std::string_view postgresql_schemes[] = {"postgresql://", "postgres://"};

bool has_control_characters(std::string_view text) {
    for (const char c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return true;
    return false;
}

Result<StoreUrl> sqlite_url(std::string_view url) {
    if (url == memory_url) return StoreUrl{StoreUrl::Backend::sqlite, ":memory:"};
    constexpr std::string_view prefix = "sqlite:///";
    const bool has_file = url.substr(0, prefix.size()) == prefix && url.size() > prefix.size();
    if (!has_file)
        return invalid("store \"" + std::string(url) +
                       "\": write sqlite:///relative.db, sqlite:////absolute.db or sqlite::memory:");
    const auto path = url.substr(prefix.size());
    if (path.back() == '/') return invalid("store \"" + std::string(url) + "\" names a folder, not a file");
    if (path.find('?') != std::string_view::npos)
        return invalid("store \"" + std::string(url) + "\": a SQLite store takes no parameters");
    return StoreUrl{StoreUrl::Backend::sqlite, std::string(path)};
}

}  // namespace

Result<StoreUrl> parse_store_url(std::string_view url) {
    if (has_control_characters(url)) return invalid("the store's URL holds control characters");
    if (url.substr(0, sqlite_scheme.size()) == sqlite_scheme) return sqlite_url(url);
    for (const auto scheme : postgresql_schemes)
        if (url.substr(0, scheme.size()) == scheme)
            return StoreUrl{StoreUrl::Backend::postgresql, std::string(url)};
    return invalid("the store's URL begins with sqlite: or postgresql://");
}

}  // namespace engine
