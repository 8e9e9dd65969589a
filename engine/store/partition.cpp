#include "engine/base/ensure.h"
#include "engine/base/hash.h"
#include "engine/store/store.h"

namespace engine {
namespace {

constexpr int partitions_max = 4096;

}  // namespace

int partition_of(const TenantName& tenant, const Subject& subject, int partitions) {
    ENSURE(partitions > 0);
    const Digest digest = sha256({tenant.text(), std::string_view("\0", 1), subject.text()});
    std::uint64_t number = 0;
    for (int i = 0; i < 8; ++i) number = (number << 8) | digest[static_cast<std::size_t>(i)];
    return static_cast<int>(number % static_cast<std::uint64_t>(partitions));
}

std::string partition_stream(int partition) {
    return "p" + std::to_string(partition);
}

Result<void> check_partitions(int partitions) {
    if (partitions >= 1 && partitions <= partitions_max) return {};
    return invalid("a store has 1 to " + std::to_string(partitions_max) + " partitions, not " +
                   std::to_string(partitions));
}

std::string_view name_of(JournalSpan span) {
    switch (span) {
        case JournalSpan::day:
            return "day";
        case JournalSpan::week:
            return "week";
        case JournalSpan::month:
            break;
    }
    return "month";
}

Result<JournalSpan> parse_journal_span(std::string_view text) {
    for (const auto span : {JournalSpan::day, JournalSpan::week, JournalSpan::month})
        if (text == name_of(span)) return span;
    return invalid("\"" + std::string(text) + "\" is no span: say day, week or month");
}

}  // namespace engine
