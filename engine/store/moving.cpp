// What a store that cannot be moved answers, and what is said of one that is not whole.

#include "engine/store/store.h"

namespace engine {
namespace {

Error not_moved() {
    return invalid("this kind of store cannot be moved");
}

}  // namespace

Result<void> Store::dump(const std::function<Result<void>(StoredItem)>& /*each*/, bool /*with_journal*/) {
    return not_moved();
}
Result<void> Store::begin_load(const StoreInfo& /*like*/) {
    return not_moved();
}
Result<void> Store::load(std::span<const StoredItem> /*items*/) {
    return not_moved();
}
Result<void> Store::finish_load() {
    return not_moved();
}

Error loading_error() {
    return invalid(
        "the store is not whole: filling it was interrupted; begin again with the same signalbox restore or "
        "signalbox copy");
}

}  // namespace engine
