#pragma once
/// Strong: text that must not be mixed up with other text, such as a tenant's name with an event's id.

#include <compare>
#include <functional>
#include <ostream>
#include <string>
#include <utility>

namespace engine {

template <class Tag>
class Strong {
public:
    Strong() = default;
    explicit Strong(std::string text) : text_(std::move(text)) {}

    const std::string& text() const { return text_; }
    bool empty() const { return text_.empty(); }

    friend auto operator<=>(const Strong&, const Strong&) = default;
    friend std::ostream& operator<<(std::ostream& out, const Strong& value) { return out << value.text_; }

private:
    std::string text_;
};

using TenantName = Strong<struct TenantNameTag>;
/// Unique together with tenant and source.
using EventId = Strong<struct EventIdTag>;
/// Names one effect of one decision; the same over all its attempts, so a receiver can recognise repeats.
using DeliveryKey = Strong<struct DeliveryKeyTag>;

}  // namespace engine

template <class Tag>
struct std::hash<engine::Strong<Tag>> {
    std::size_t operator()(const engine::Strong<Tag>& value) const noexcept {
        return std::hash<std::string>{}(value.text());
    }
};
