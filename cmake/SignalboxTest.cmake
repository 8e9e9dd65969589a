# signalbox_test(NAME name SOURCES … LINK … [ARGUMENTS …] [POSTGRES]): one Catch2 program, one ctest entry; with POSTGRES it runs beside a
# PostgreSQL server of its own.
add_library(test_main STATIC ${CMAKE_SOURCE_DIR}/tests/support/main.cpp)
target_include_directories(test_main PUBLIC ${CMAKE_SOURCE_DIR})
target_link_libraries(test_main PUBLIC Catch2::Catch2 base)
# What all tests share is compiled ahead apart from test_main, whose file tells Catch2 2 that it is the one that runs.
add_library(test_ahead OBJECT ${CMAKE_BINARY_DIR}/generated/ahead.cpp)
target_include_directories(test_ahead PRIVATE ${CMAKE_SOURCE_DIR})
target_link_libraries(test_ahead PRIVATE Catch2::Catch2)
target_precompile_headers(test_ahead PRIVATE <nlohmann/json.hpp> ${CMAKE_SOURCE_DIR}/tests/support/catch.h)

function(signalbox_test)
    cmake_parse_arguments(TEST "POSTGRES" "NAME" "SOURCES;LINK;ARGUMENTS" ${ARGN})
    if(NOT TEST_SOURCES)
        return()
    endif()
    add_executable(${TEST_NAME} ${TEST_SOURCES})
    target_link_libraries(${TEST_NAME} PRIVATE test_main ${TEST_LINK})
    target_precompile_headers(${TEST_NAME} REUSE_FROM test_ahead)
    # Half of a test's compile time would go into making it fast.
    target_compile_options(${TEST_NAME} PRIVATE $<$<CONFIG:Release>:-O1>)
    if(TEST_POSTGRES)
        set(beside ${CMAKE_SOURCE_DIR}/tests/support/postgres.py)
    endif()
    add_test(NAME ${TEST_NAME} COMMAND ${beside} $<TARGET_FILE:${TEST_NAME}> ${TEST_ARGUMENTS} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
endfunction()
