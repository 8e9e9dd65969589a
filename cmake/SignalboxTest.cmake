# signalbox_test(NAME name SOURCES … LINK …): one Catch2 program, one ctest entry a test case file.
add_library(test_main STATIC ${CMAKE_SOURCE_DIR}/tests/support/main.cpp)
target_include_directories(test_main PUBLIC ${CMAKE_SOURCE_DIR})
target_link_libraries(test_main PUBLIC Catch2::Catch2 base)

function(signalbox_test)
    cmake_parse_arguments(TEST "" "NAME" "SOURCES;LINK" ${ARGN})
    if(NOT TEST_SOURCES)
        return()
    endif()
    add_executable(${TEST_NAME} ${TEST_SOURCES})
    target_link_libraries(${TEST_NAME} PRIVATE test_main ${TEST_LINK})
    target_precompile_headers(${TEST_NAME} PRIVATE <nlohmann/json.hpp> ${CMAKE_SOURCE_DIR}/tests/support/catch.h)
    # GCC 12 sees reads past the end where a test joins long texts at -O3; the sanitizers look for real ones.
    target_compile_options(${TEST_NAME} PRIVATE -Wno-stringop-overread)
    add_test(NAME ${TEST_NAME} COMMAND ${TEST_NAME} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
endfunction()
