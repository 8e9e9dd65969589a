#pragma once
/// Reads a file line by line, plain or gzip. The home of zlib.

#include <memory>
#include <optional>
#include <string>

#include "engine/base/result.h"

namespace engine::app {

/// One thread.
class LineReader {
public:
    /// `-` is standard input. Fails with not_found.
    static Result<LineReader> open(const std::string& path, std::size_t line_bytes_max = 4 * 1024 * 1024);

    /// The next line without its end, nothing at the end of the file. Fails with exhausted for a line over
    /// the limit and with corrupt for a broken archive.
    Result<std::optional<std::string>> next();
    /// Number of the line that `next` gave last, from 1.
    std::size_t number() const { return number_; }

private:
    struct Close {
        void operator()(void* file) const;
    };
    LineReader(void* file, std::size_t line_bytes_max) : file_(file), line_bytes_max_(line_bytes_max) {}

    std::unique_ptr<void, Close> file_;
    std::size_t line_bytes_max_;
    std::size_t number_ = 0;
};

}  // namespace engine::app
