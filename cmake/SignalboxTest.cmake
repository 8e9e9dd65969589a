# signalbox_test(NAME name SOURCES … LINK … [POSTGRES]): one Catch2 program, one ctest entry; with POSTGRES it runs beside a
# PostgreSQL server of its own.
add_library(test_main STATIC ${CMAKE_SOURCE_DIR}/tests/support/main.cpp)
# Catch2 2 is told before its header that this file is the one that runs.
set_source_files_properties(${CMAKE_SOURCE_DIR}/tests/support/main.cpp PROPERTIES SKIP_PRECOMPILE_HEADERS ON
                            SKIP_UNITY_BUILD_INCLUSION ON)
target_include_directories(test_main PUBLIC ${CMAKE_SOURCE_DIR})
target_link_libraries(test_main PUBLIC Catch2::Catch2 base)
target_precompile_headers(test_main PRIVATE <nlohmann/json.hpp> ${CMAKE_SOURCE_DIR}/tests/support/catch.h)

function(signalbox_test)
    cmake_parse_arguments(TEST "POSTGRES" "NAME" "SOURCES;LINK" ${ARGN})
    if(NOT TEST_SOURCES)
        return()
    endif()
    add_executable(${TEST_NAME} ${TEST_SOURCES})
    target_link_libraries(${TEST_NAME} PRIVATE test_main ${TEST_LINK})
    target_precompile_headers(${TEST_NAME} REUSE_FROM test_main)
    # Half of a test's compile time would go into making it fast.
    target_compile_options(${TEST_NAME} PRIVATE $<$<CONFIG:Release>:-O1>)
    if(TEST_POSTGRES)
        set(beside ${CMAKE_SOURCE_DIR}/tests/support/postgres.py)
    endif()
    add_test(NAME ${TEST_NAME} COMMAND ${beside} $<TARGET_FILE:${TEST_NAME}> WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
endfunction()
