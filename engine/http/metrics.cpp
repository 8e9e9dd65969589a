#include "engine/http/metrics.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace engine::http {
namespace {

constexpr std::array<double, 14> bounds{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25,
                                        0.5,   0.75, 1,     2.5,  5,     7.5, 10};

std::string number(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
    std::array<char, 32> buffer;
    return {buffer.data(), std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr};
}

void family(std::string& out, const std::string& name, std::string_view type, std::string_view help) {
    out.append("# HELP ").append(name).append(" ").append(help).append("\n");
    out.append("# TYPE ").append(name).append(" ").append(type).append("\n");
}

void sample(std::string& out, std::string_view name, std::string_view labels, const std::string& value) {
    out.append(name);
    if (!labels.empty()) out.append("{").append(labels).append("}");
    out.append(" ").append(value).append("\n");
}

std::string label(std::string_view name, std::string_view value) {
    return std::string(name) + "=\"" + std::string(value) + "\"";
}

/// `lanes_blocked` reads as "Lanes blocked."
std::string help_of(std::string_view name) {
    std::string help(name);
    std::replace(help.begin(), help.end(), '_', ' ');
    if (!help.empty() && help[0] >= 'a' && help[0] <= 'z') help[0] = static_cast<char>(help[0] - 'a' + 'A');
    return help + '.';
}

/// The gauges come sorted, so all samples of one family stand together.
void write_gauges(std::string& out, const std::map<std::string, double>& gauges) {
    std::string last;
    for (const auto& [key, value] : gauges) {
        const auto name = key.substr(0, key.find('{'));
        if (name != last)
            family(out, "signalbox_" + name, name.ends_with("_total") ? "counter" : "gauge", help_of(name));
        last = name;
        out.append("signalbox_").append(key).append(" ").append(number(value)).append("\n");
    }
}

}  // namespace

void Metrics::answered(std::string_view route, std::string_view method, int status, Duration took) {
    ++requests_[{route, method, status}];
    auto& histogram = durations_[route];
    const auto seconds = std::chrono::duration<double>(took).count();
    const auto bucket = std::lower_bound(bounds.begin(), bounds.end(), seconds);
    if (bucket != bounds.end()) ++histogram.buckets[static_cast<std::size_t>(bucket - bounds.begin())];
    ++histogram.count;
    histogram.sum_seconds += seconds;
}

void Metrics::refused(std::string_view code) {
    ++refusals_[code];
}

void Metrics::write_requests(std::string& out) const {
    family(out, "signalbox_http_requests_total", "counter", "Requests answered.");
    for (const auto& [key, count] : requests_) {
        const auto& [route, method, status] = key;
        sample(out, "signalbox_http_requests_total",
               label("route", route) + "," + label("method", method) + "," +
                   label("code", std::to_string(status)),
               std::to_string(count));
    }
}

void Metrics::write_durations(std::string& out) const {
    const std::string name = "signalbox_http_request_duration_seconds";
    family(out, name, "histogram", "Time from a request's last head byte to its answer.");
    for (const auto& [route, histogram] : durations_) {
        const auto of_route = label("route", route);
        std::uint64_t cumulated = 0;
        for (std::size_t i = 0; i < bounds.size(); ++i) {
            cumulated += histogram.buckets[i];
            sample(out, name + "_bucket", of_route + "," + label("le", number(bounds[i])),
                   std::to_string(cumulated));
        }
        sample(out, name + "_bucket", of_route + "," + label("le", "+Inf"), std::to_string(histogram.count));
        sample(out, name + "_sum", of_route, number(histogram.sum_seconds));
        sample(out, name + "_count", of_route, std::to_string(histogram.count));
    }
}

void Metrics::write_refusals(std::string& out) const {
    family(out, "signalbox_http_refused_total", "counter",
           "Connections closed for what came over them or for want of room.");
    for (const auto& [code, count] : refusals_)
        sample(out, "signalbox_http_refused_total", label("reason", code), std::to_string(count));
}

std::string Metrics::text(const std::map<std::string, double>& gauges) const {
    std::string out;
    family(out, "signalbox_build_info", "gauge", "The program's version.");
    sample(out, "signalbox_build_info", label("version", SIGNALBOX_VERSION), "1");
    family(out, "signalbox_http_connections", "gauge", "Open connections.");
    sample(out, "signalbox_http_connections", "", std::to_string(connections_));
    write_requests(out);
    write_durations(out);
    write_refusals(out);
    write_gauges(out, gauges);
    return out;
}

}  // namespace engine::http
