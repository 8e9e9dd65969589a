#include "tests/differential/spelling.h"

#include <vector>

namespace rules::testing {
namespace {

using engine::Json;
using testing_random::Random;
using Texts = std::vector<std::string>;

class Speller {
public:
    explicit Speller(Random& random)
        : random_(random),
          spaces_(random.below(3) * 20),
          escapes_(random.below(3) * 15),
          oddities_(random.below(3) * 8) {}

    std::string value(const Json& value) {
        if (value.is_object()) return object(value);
        if (value.is_array()) return list(value);
        if (value.is_string()) return text(value.get<std::string>());
        return value.is_number() ? number(value) : value.dump();
    }

    std::string space() {
        static const Texts some{" ", "  ", "\n", "\t", "\r\n", " \n\t\r "};
        if (!random_.chance(spaces_)) return "";
        return random_.chance(5) ? std::string(70, ' ') : random_.of(some);
    }

private:
    std::string object(const Json& value) {
        std::vector<std::string> members;
        for (const auto& [name, member] : value.items()) {
            if (random_.chance(oddities_)) members.push_back(text(name) + around(':') + twice(member));
            if (random_.chance(oddities_)) members.push_back(nobody_asks_for());
            members.push_back(text(name) + around(':') + this->value(member));
        }
        if (random_.chance(oddities_)) members.push_back(nobody_asks_for());
        return "{" + joined(members) + "}";
    }

    /// What came under a name that comes again.
    std::string twice(const Json& member) {
        static const Texts others{"null", "1", "\"a\"", "[]", "{}", R"({"a":"b","b":{"c":1}})", R"(["a"])"};
        return random_.chance(50) ? random_.of(others) : value(member);
    }

    std::string nobody_asks_for() {
        static const Texts names{"x",
                                 "",
                                 "subject ",
                                 "Subject",
                                 "a longer name that nobody knows",
                                 "tick\"et",
                                 "ticket.subject",
                                 "\xC3\xA4",
                                 "\\",
                                 "ticke"};
        static const Texts values{"0",
                                  "[[[[[[[[{\"a\":[[]]}]]]]]]]]",
                                  "{\"ticket\":{\"subject\":\"a\"}}",
                                  "\"]}\"",
                                  "\"\\\\\"",
                                  "\"\\\"}\"",
                                  "[1,2,{\"x\":[\"[\",\"}\"]}]",
                                  "false",
                                  "1e5",
                                  "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}",
                                  "\"a\\u0000b\""};
        return text(random_.of(names)) + around(':') + random_.of(values);
    }

    std::string list(const Json& value) {
        std::vector<std::string> items;
        for (const auto& item : value) items.push_back(this->value(item));
        return "[" + joined(items) + "]";
    }

    std::string text(const std::string& value) {
        const auto plain = Json(value).dump(-1, ' ', random_.chance(escapes_));
        std::string spelled;
        for (std::size_t i = 0; i < plain.size(); ++i) {
            const char c = plain[i];
            if (c == '\\') {
                spelled += c;
                spelled += plain[++i];
            } else if (c == '/' && random_.chance(escapes_)) {
                spelled += "\\/";
            } else if (is_letter(c) && random_.chance(escapes_ / 3)) {
                spelled += escaped(c);
            } else {
                spelled += c;
            }
        }
        return spelled;
    }
    /// Hexadecimal digits may belong to an escape.
    static bool is_letter(char c) { return c > 'f' && c <= 'z'; }
    std::string escaped(char c) {
        const char* digits = random_.chance(50) ? "0123456789abcdef" : "0123456789ABCDEF";
        const auto code = static_cast<unsigned char>(c);
        return std::string("\\u00") + digits[code >> 4] + digits[code & 15];
    }

    std::string number(const Json& value) {
        const auto written = value.dump();
        const bool has_exponent = written.find('e') != std::string::npos;
        const bool has_point = written.find('.') != std::string::npos;
        switch (random_.below(12)) {
            case 0:
                return has_exponent ? written : written + (random_.chance(50) ? "e0" : "E+00");
            case 1:
                return has_exponent ? written : written + "e-1";
            case 2:
                return has_exponent || has_point ? written
                                                 : written + "." + std::string(1 + random_.below(30), '0');
            case 3:
                return has_exponent || !has_point ? written
                                                  : written + std::string(1 + random_.below(30), '0');
            case 4:
                return has_exponent ? written : written + (has_point ? "0000000001" : ".5");
            case 5:
                return odd_number();
            default:
                return written;
        }
    }
    std::string odd_number() {
        static const Texts odd{"-0",
                               "-0.0",
                               "0e0",
                               "-0e5",
                               "0.1",
                               "0.10000000000000000555111512312578",
                               "1e-400",
                               "-1e-400",
                               "4.9e-324",
                               "2.4e-324",
                               "1.7976931348623157e308",
                               "9007199254740993",
                               "9007199254740992.999999",
                               "9007199254740993.0",
                               "9223372036854775807",
                               "9223372036854775808",
                               "18446744073709551615",
                               "18446744073709551616",
                               "-9223372036854775808",
                               "-9223372036854775809",
                               "123456789012345",
                               "1234567890123456",
                               "0.123456789012345",
                               "12345678.1234567",
                               "100000000000000000000000000000000000000000",
                               "1E2",
                               "10e-1",
                               "0.000000000000000000000000000000000000000001",
                               "2.50",
                               "25e-1"};
        return random_.of(odd);
    }

    std::string joined(const std::vector<std::string>& parts) {
        std::string all = space();
        for (std::size_t i = 0; i < parts.size(); ++i) all += (i > 0 ? around(',') : "") + parts[i];
        return all + space();
    }
    std::string around(char mark) { return space() + mark + space(); }

    Random& random_;
    std::size_t spaces_;  ///< percent, as the others are
    std::size_t escapes_;
    std::size_t oddities_;
};

}  // namespace

std::string spelled(const Json& value, Random& random) {
    Speller speller(random);
    const auto text = speller.space() + speller.value(value);
    return text + speller.space();
}

}  // namespace rules::testing
