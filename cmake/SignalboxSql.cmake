# signalbox_sql(OUTPUT file.inc NAMESPACE name MIGRATIONS file… STATEMENTS file): embeds SQL as C++ constants, made at
# configure time, in the namespace engine::<name>, which whoever includes them calls engine::sql.
# A migration `0001_initial.sql` becomes `migration_0001_initial`; a statement takes its name from its `-- name:` line.
function(signalbox_sql)
    cmake_parse_arguments(SQL "" "OUTPUT;NAMESPACE;STATEMENTS" "MIGRATIONS" ${ARGN})
    set(text "// Made from schema/sql by CMake.\n#pragma once\nnamespace engine::${SQL_NAMESPACE} {\n")
    foreach(migration ${SQL_MIGRATIONS})
        get_filename_component(name ${migration} NAME_WE)
        file(READ ${migration} body)
        string(APPEND text "inline constexpr char migration_${name}[] = R\"sql(${body})sql\";\n")
    endforeach()
    file(READ ${SQL_STATEMENTS} body)
    # Each statement stands alone: its semicolon is for people and editors.
    string(REPLACE ";" "" body "${body}")
    string(REGEX REPLACE "\n-- name: ([a-z_]+)\n" ")sql\";\ninline constexpr char \\1[] = R\"sql(" body "\n${body}")
    string(APPEND text "inline constexpr char about[] = R\"sql(${body})sql\";\n}  // namespace engine::${SQL_NAMESPACE}\n")
    string(APPEND text "namespace engine {\nnamespace sql = ${SQL_NAMESPACE};\n}  // namespace engine\n")
    file(CONFIGURE OUTPUT ${SQL_OUTPUT} CONTENT "${text}" @ONLY)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${SQL_MIGRATIONS} ${SQL_STATEMENTS})
endfunction()
