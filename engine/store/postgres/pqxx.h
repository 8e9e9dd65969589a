#pragma once
/// What differs between libpqxx 6 and 7.

#include <pqxx/pqxx>
#include <string>
#include <string_view>
#include <vector>

namespace engine::pq {

#if PQXX_VERSION_MAJOR >= 7

using Binary = std::basic_string<std::byte>;

inline std::string state_of(const pqxx::sql_error& problem) {
    return problem.sqlstate();
}

inline Binary binary(std::string_view bytes) {
    return Binary(reinterpret_cast<const std::byte*>(bytes.data()), bytes.size());
}
/// Version 7 never opens a connection again by itself.
inline void stay_broken(pqxx::connection&) {}

inline pqxx::result execute(pqxx::nontransaction& work, const std::string& name,
                            const std::vector<Binary>& values) {
    pqxx::params parameters;
    for (const auto& value : values) parameters.append(value);
    return work.exec_prepared(name, parameters);
}

#else

using Binary = pqxx::binarystring;

/// Version 6 has classes for some states and forgets the state then.
inline std::string state_of(const pqxx::sql_error& problem) {
    if (!problem.sqlstate().empty()) return problem.sqlstate();
    const auto is = [&problem]<class Kind>(const Kind*) {
        return dynamic_cast<const Kind*>(&problem) != nullptr;
    };
    if (is(static_cast<const pqxx::unique_violation*>(nullptr))) return "23505";
    if (is(static_cast<const pqxx::integrity_constraint_violation*>(nullptr))) return "23000";
    if (is(static_cast<const pqxx::insufficient_privilege*>(nullptr))) return "42501";
    if (is(static_cast<const pqxx::disk_full*>(nullptr))) return "53100";
    if (is(static_cast<const pqxx::insufficient_resources*>(nullptr))) return "53000";
    if (is(static_cast<const pqxx::data_exception*>(nullptr))) return "22000";
    return "";
}

inline Binary binary(std::string_view bytes) {
    return Binary(bytes.data(), bytes.size());
}
/// Version 6 opens a lost connection again in silence, without what was set in its session.
inline void stay_broken(pqxx::connection& connection) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"  // version 7 has no need of it
    connection.inhibit_reactivation(true);
#pragma GCC diagnostic pop
}

inline pqxx::result execute(pqxx::nontransaction& work, const std::string& name,
                            const std::vector<Binary>& values) {
    return work.exec_prepared(name, pqxx::prepare::make_dynamic_params(values));
}

#endif

}  // namespace engine::pq
