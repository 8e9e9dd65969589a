#pragma once
/// Scrub: overwrites what pages of a database file hold besides their rows.
///
/// `secure_delete` overwrites a row where it is deleted. But when SQLite splits a page it leaves copies of
/// the rows it moved in the part of the page that is free now, and pages on the free list keep what they
/// held.

#include <cstdint>

#include "engine/base/result.h"

struct sqlite3;

namespace engine {

/// Writes zeros over the free part of every page of the main database, and makes that durable. Rows are not
/// touched, and a power cut in the middle leaves each of them whole. The caller holds the write lock and the
/// log is empty, so that nobody else writes the file; pages in caches are to be forgotten afterwards. Reads
/// the whole file. The number of pages that were changed. Fails with unavailable, and with exhausted for a
/// file beyond 128 GB.
Result<std::uint64_t> scrub_free_space(sqlite3* handle);

}  // namespace engine
