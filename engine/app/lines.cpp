#include "engine/app/lines.h"

#include <unistd.h>
#include <zlib.h>

#include <array>

namespace engine::app {
namespace {

constexpr unsigned buffer_bytes = 256 * 1024;

gzFile handle(void* file) {
    return static_cast<gzFile>(file);
}

}  // namespace

void LineReader::Close::operator()(void* file) const {
    gzclose(handle(file));
}

Result<LineReader> LineReader::open(const std::string& path, std::size_t line_bytes_max) {
    gzFile file = path == "-" ? gzdopen(dup(STDIN_FILENO), "rb") : gzopen(path.c_str(), "rb");
    if (file == nullptr) return not_found("cannot read " + path);
    gzbuffer(file, buffer_bytes);
    return LineReader(file, line_bytes_max);
}

Result<std::optional<std::string>> LineReader::next() {
    std::string line;
    std::array<char, 16 * 1024> part;
    while (gzgets(handle(file_.get()), part.data(), static_cast<int>(part.size())) != nullptr) {
        line += part.data();
        if (line.size() > line_bytes_max_)
            return exhausted("line " + std::to_string(number_ + 1) + " is longer than " +
                             std::to_string(line_bytes_max_) + " bytes");
        if (line.back() == '\n') break;
    }
    int code = Z_OK;
    const char* message = gzerror(handle(file_.get()), &code);
    if (code != Z_OK && code != Z_STREAM_END)
        return Error{Code::corrupt, "after line " + std::to_string(number_) + ": " + message};
    if (line.empty()) return std::optional<std::string>();
    ++number_;
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
    return std::optional<std::string>(std::move(line));
}

}  // namespace engine::app
