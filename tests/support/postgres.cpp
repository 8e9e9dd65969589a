#include "tests/support/postgres.h"

#include <cstdlib>
#include <pqxx/pqxx>

namespace store_tests {
namespace {

using testing_folder::Folder;

std::string server() {
    const char* url = std::getenv("SIGNALBOX_TEST_POSTGRES");
    return url == nullptr ? "" : url;
}

std::string name_of(const Folder& folder) {
    const auto path = folder.file("");
    std::string name = "t";
    for (const char c : path.substr(path.rfind("signalbox-test-")))
        if (std::isalnum(static_cast<unsigned char>(c)) != 0) name += c;
    return name;
}

std::string url_of(const Folder& folder) {
    const auto url = server();
    return url.substr(0, url.rfind('/') + 1) + name_of(folder);
}

pqxx::result run(const std::string& url, const std::string& statements) {
    pqxx::connection connection(url);
    return pqxx::nontransaction(connection).exec(statements);
}

}  // namespace

bool has_postgres() {
    return !server().empty();
}

std::string database_of(const Folder& folder) {
    const auto name = name_of(folder);
    if (run(server(), "SELECT FROM pg_database WHERE datname = '" + name + "'").empty())
        run(server(), "CREATE DATABASE \"" + name + "\"");
    return url_of(folder);
}

void drop_database(const Folder& folder) {
    run(server(), "DROP DATABASE IF EXISTS \"" + name_of(folder) + "\" WITH (FORCE)");
}

std::string run_in_database(const Folder& folder, const std::string& statements) {
    const auto rows = run(url_of(folder), statements);
    return rows.empty() || rows[0].empty() || rows[0][0].is_null() ? "" : rows[0][0].c_str();
}

}  // namespace store_tests
