#include "engine/store/sqlite/scrub.h"

#include <sqlite3.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace engine {
namespace {

// Source of the format: https://www.sqlite.org/fileformat2.html, 1.3 (header), 1.5 (free list), 1.6 (pages).
constexpr std::size_t file_header_bytes = 100;
constexpr std::size_t pages_per_read = 256;
/// An overflow page begins with the number of the next: below so many pages its first byte is no page type.
constexpr std::uint64_t database_pages_max = std::uint64_t{1} << 25;

using Bytes = std::vector<unsigned char>;

std::uint32_t number_at(const unsigned char* bytes, int size) {
    std::uint32_t number = 0;
    for (int i = 0; i < size; ++i) number = number << 8 | bytes[i];
    return number;
}

/// Overwrites with zeros; false when they are there already.
bool wipe(unsigned char* begin, unsigned char* end) {
    if (std::all_of(begin, end, [](unsigned char byte) { return byte == 0; })) return false;
    std::fill(begin, end, 0);
    return true;
}

class Scrubber {
public:
    explicit Scrubber(sqlite3_file* file) : file_(file) {}

    Result<std::uint64_t> run() {
        if (auto read = read_header(); !read) return read.error();
        if (auto done = wipe_free_pages(); !done) return done.error();
        if (auto done = wipe_gaps(); !done) return done.error();
        if (changed_ > 0 && file_->pMethods->xSync(file_, SQLITE_SYNC_NORMAL) != SQLITE_OK)
            return failure("made durable");
        return changed_;
    }

private:
    static Error failure(const char* what) {
        return unavailable(std::string("the free space of the store cannot be ") + what);
    }

    Result<void> read(Bytes& into, std::uint64_t page, std::size_t pages = 1) {
        into.resize(pages * page_bytes_);
        const int code = file_->pMethods->xRead(file_, into.data(), static_cast<int>(into.size()),
                                                static_cast<sqlite3_int64>((page - 1) * page_bytes_));
        return code == SQLITE_OK ? Result<void>() : failure("read");
    }
    Result<void> write(const unsigned char* bytes, std::uint64_t page) {
        ++changed_;
        const int code = file_->pMethods->xWrite(file_, bytes, static_cast<int>(page_bytes_),
                                                 static_cast<sqlite3_int64>((page - 1) * page_bytes_));
        return code == SQLITE_OK ? Result<void>() : failure("overwritten");
    }

    Result<void> read_header() {
        page_bytes_ = file_header_bytes;
        Bytes header;
        if (auto done = read(header, 1); !done) return done;
        const auto size = number_at(&header[16], 2);
        page_bytes_ = size == 1 ? 65536 : size;
        usable_bytes_ = page_bytes_ - header[20];
        first_trunk_ = number_at(&header[32], 4);
        sqlite3_int64 bytes = 0;
        if (file_->pMethods->xFileSize(file_, &bytes) != SQLITE_OK) return failure("measured");
        pages_ = static_cast<std::uint64_t>(bytes) / page_bytes_;
        if (pages_ >= database_pages_max)
            return exhausted("the store has too many pages for its free space to be scrubbed");
        return {};
    }

    /// What a free page holds is nobody's.
    Result<void> wipe_free_pages() {
        Bytes trunk;
        Bytes leaf;
        std::set<std::uint64_t> seen;
        for (std::uint64_t at = first_trunk_; at != 0 && at <= pages_ && seen.insert(at).second;) {
            if (auto done = read(trunk, at); !done) return done;
            const auto leaves = std::min<std::size_t>(number_at(&trunk[4], 4), usable_bytes_ / 4 - 2);
            for (std::size_t i = 0; i < leaves; ++i) {
                const auto page = number_at(&trunk[8 + 4 * i], 4);
                if (page < 2 || page > pages_) continue;
                if (auto done = read(leaf, page); !done) return done;
                if (!wipe(leaf.data(), leaf.data() + leaf.size())) continue;
                if (auto done = write(leaf.data(), page); !done) return done;
            }
            if (wipe(&trunk[8 + 4 * leaves], trunk.data() + usable_bytes_))
                if (auto done = write(trunk.data(), at); !done) return done;
            at = number_at(trunk.data(), 4);
        }
        return {};
    }

    Result<void> wipe_gaps() {
        Bytes chunk;
        for (std::uint64_t first = 1; first <= pages_; first += pages_per_read) {
            const auto count =
                static_cast<std::size_t>(std::min<std::uint64_t>(pages_per_read, pages_ - first + 1));
            if (auto done = read(chunk, first, count); !done) return done;
            for (std::size_t i = 0; i < count; ++i) {
                auto* page = chunk.data() + i * page_bytes_;
                if (!wipe_gap(page, first + i == 1 ? file_header_bytes : 0)) continue;
                if (auto done = write(page, first + i); !done) return done;
            }
        }
        return {};
    }

    /// Between the pointers to the cells, which grow from the front, and the cells, which grow from the end.
    bool wipe_gap(unsigned char* page, std::size_t header) const {
        const auto type = page[header];
        const bool is_leaf = type == 10 || type == 13;
        const bool is_interior = type == 2 || type == 5;
        if (!is_leaf && !is_interior) return false;
        const auto cells = number_at(page + header + 3, 2);
        const auto start = number_at(page + header + 5, 2);
        const std::size_t content = start == 0 ? 65536 : start;
        const std::size_t gap = header + (is_leaf ? 8 : 12) + 2 * cells;
        if (gap >= content || content > usable_bytes_) return false;
        return wipe(page + gap, page + content);
    }

    sqlite3_file* file_;
    std::size_t page_bytes_ = 0;
    std::size_t usable_bytes_ = 0;
    std::uint64_t first_trunk_ = 0;
    std::uint64_t pages_ = 0;
    std::uint64_t changed_ = 0;
};

}  // namespace

Result<std::uint64_t> scrub_free_space(sqlite3* handle) {
    sqlite3_file* file = nullptr;
    if (sqlite3_file_control(handle, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK ||
        file == nullptr || file->pMethods == nullptr)
        return unavailable("the store's file cannot be reached");
    return Scrubber(file).run();
}

}  // namespace engine
