#pragma once
/// Databases of the server that tests run beside (tests/support/postgres.py starts it).

#include <string>

#include "tests/support/folder.h"

namespace store_tests {

/// Whether SIGNALBOX_TEST_POSTGRES names one.
bool has_postgres();
/// The URL of the database that stands for the folder; it is made, empty, when it is not there.
std::string database_of(const testing_folder::Folder& folder);
void drop_database(const testing_folder::Folder& folder);
/// Runs statements in that database as its superuser, past what protects it; the first column of the last
/// one's first row. Throws pqxx::failure.
std::string run_in_database(const testing_folder::Folder& folder, const std::string& statements);

}  // namespace store_tests
