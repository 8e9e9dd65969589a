#pragma once
/// SearchTree: how many of many sorted keys are less than another. A B-tree in arrays: the keys of a node are
/// compared all at once, without a branch.

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

namespace rules {

/// Immutable; any thread.
template <class Key>
class SearchTree {
public:
    /// Sorted.
    explicit SearchTree(const std::vector<Key>& keys = {}) : size_(keys.size()) {
        for (auto level = keys;; level = last_of_nodes(level)) {
            levels_.push_back(padded(level));
            if (level.size() <= fan_out) return;
        }
    }

    std::size_t count_below(Key key) const {
        std::size_t place = 0;
        for (auto level = levels_.size(); level-- > 0;)
            place = place * fan_out + count_in(levels_.data()[level].data() + place * fan_out, key);
        return std::min(place, size_);
    }

    std::size_t bytes() const {
        std::size_t sum = 0;
        for (const auto& level : levels_) sum += level.capacity() * sizeof(Key);
        return sum;
    }

private:
    static constexpr std::size_t fan_out = 16;

    static std::size_t count_in(const Key* node, Key key) {
        std::size_t count = 0;
        for (std::size_t i = 0; i < fan_out; ++i) count += node[i] < key ? 1 : 0;
        return count;
    }
    /// The last key of each node: where it is less, so are all of the node's.
    static std::vector<Key> last_of_nodes(const std::vector<Key>& level) {
        std::vector<Key> last;
        for (std::size_t i = fan_out; i < level.size() + fan_out; i += fan_out)
            last.push_back(level[std::min(i, level.size()) - 1]);
        return last;
    }
    /// Nodes are filled up with what nothing is above; one more stands behind the last.
    static std::vector<Key> padded(std::vector<Key> level) {
        level.resize((level.size() / fan_out + 2) * fan_out, std::numeric_limits<Key>::max());
        return level;
    }

    std::size_t size_ = 0;
    std::vector<std::vector<Key>> levels_;  ///< the keys, and above them the last of each of their nodes
};

}  // namespace rules
