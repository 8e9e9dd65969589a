#pragma once
/// What a question to the journal means, for the parts that all backends share.

#include <vector>

#include "engine/store/store.h"

namespace engine {

/// Whether the row is among what is looked for, the limit left aside. A decision is its rules' that fired,
/// another row the rule's that led to it.
bool fits(const JournalRecord& record, const JournalQuery& query);

/// The newest `limit` rows, newest first; rows of one stream and moment by their seq.
std::vector<JournalRecord> newest_of(std::vector<JournalRecord> records, std::size_t limit);

}  // namespace engine
