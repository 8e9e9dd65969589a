#include "engine/base/json_bytes.h"

#include <simdjson.h>

#include <string>
#include <utility>

namespace engine {
namespace {

using Element = simdjson::dom::element;
using Type = simdjson::dom::element_type;

/// Of an element that is one.
template <class Value>
Value as(const Element& element) {
    Value value{};
    return element.get(value) == simdjson::SUCCESS ? value : Value{};
}

/// One document's values, equal to those that nlohmann/json would read.
class Values {
public:
    explicit Values(std::size_t depth_max) : depth_max_(depth_max) {}

    /// Everything of the element when nothing is wanted in particular.
    Json of(const Element& element, const JsonMask* wanted, std::size_t depth) {
        switch (element.type()) {
            case Type::OBJECT:
                return object(as<simdjson::dom::object>(element), wanted, depth + 1);
            case Type::ARRAY:
                return list(as<simdjson::dom::array>(element), wanted, depth + 1);
            case Type::STRING:
                return Json(std::string(as<std::string_view>(element)));
            case Type::INT64: {
                const auto number = as<std::int64_t>(element);
                return number < 0 ? Json(number) : Json(static_cast<std::uint64_t>(number));
            }
            case Type::UINT64:
                return Json(as<std::uint64_t>(element));
            case Type::DOUBLE:
                return Json(as<double>(element));
            case Type::BOOL:
                return Json(as<bool>(element));
            case Type::NULL_VALUE:
                break;
        }
        return Json();
    }

    bool are_too_deep() const { return too_deep_; }

private:
    bool goes_down(std::size_t depth) {
        too_deep_ = too_deep_ || depth > depth_max_;
        return !too_deep_;
    }

    Json object(const simdjson::dom::object& object, const JsonMask* wanted, std::size_t depth) {
        Json json = Json::object();
        if (!goes_down(depth)) return json;
        auto& members = json.get_ref<Json::object_t&>();
        for (const auto& [key, element] : object) {
            const auto* below = wanted;
            if (wanted != nullptr) {
                const auto member = wanted->members.find(key);
                if (member == wanted->members.end()) {
                    // Who leaves it out says no less of the document.
                    measure(element, depth);
                    continue;
                }
                below = member->second.whole ? nullptr : &member->second;
            }
            // Documents of ours are sorted; of two members with one name the last counts.
            const auto place = members.try_emplace(members.end(), std::string(key));
            place->second = of(element, below, depth);
        }
        return json;
    }

    Json list(const simdjson::dom::array& array, const JsonMask* wanted, std::size_t depth) {
        Json json = Json::array();
        if (!goes_down(depth)) return json;
        auto& items = json.get_ref<Json::array_t&>();
        items.reserve(array.size());
        for (const auto element : array) items.push_back(of(element, wanted, depth));
        return json;
    }

    void measure(const Element& element, std::size_t depth) {
        if (element.is_object() && goes_down(depth + 1))
            for (const auto& member : as<simdjson::dom::object>(element)) measure(member.value, depth + 1);
        if (element.is_array() && goes_down(depth + 1))
            for (const auto item : as<simdjson::dom::array>(element)) measure(item, depth + 1);
    }

    std::size_t depth_max_;
    bool too_deep_ = false;
};

}  // namespace

struct JsonBytes::Parser {
    simdjson::dom::parser parser;
    Element root;
};

JsonBytes::JsonBytes() : parser_(std::make_unique<Parser>()) {}
JsonBytes::~JsonBytes() = default;

std::size_t JsonBytes::padding() {
    return simdjson::SIMDJSON_PADDING;
}

Result<void> JsonBytes::list_places(std::string_view document) {
    auto& parser = parser_->parser;
    if (document.empty()) return invalid("not JSON: the document is empty");
    if (parser.capacity() < document.size() && parser.allocate(document.size()) != simdjson::SUCCESS)
        return exhausted("the document is too large");
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(document.data());
    if (parser.implementation->stage1(bytes, document.size(), simdjson::stage1_mode::regular) !=
        simdjson::SUCCESS)
        return invalid("not JSON");
    return {};
}

const std::uint32_t* JsonBytes::begin() const {
    return parser_->parser.implementation->structural_indexes.get();
}

const std::uint32_t* JsonBytes::end() const {
    return begin() + parser_->parser.implementation->n_structural_indexes;
}

bool JsonBytes::parse(std::string_view document) {
    return parser_->parser.parse(document.data(), document.size(), false).get(parser_->root) ==
           simdjson::SUCCESS;
}

std::optional<Json> JsonBytes::value(std::size_t depth_max, const JsonMask* wanted) const {
    Values values(depth_max);
    auto json = values.of(parser_->root, wanted, 0);
    if (values.are_too_deep()) return std::nullopt;
    return json;
}

}  // namespace engine
