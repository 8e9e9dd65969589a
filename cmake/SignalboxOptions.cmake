# Compiler, sanitizer and library settings shared by every target.
set(SIGNALBOX_SANITIZE "" CACHE STRING "Sanitizers for every target, e.g. address,undefined or thread")

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

add_compile_options(-Wall -Wextra -Werror -Wno-error=maybe-uninitialized)
# GCC 12 reports false positives inside the library's own headers at -O2 and above.
add_compile_options(-Wno-restrict -Wno-dangling-pointer -Wno-stringop-overflow -Wno-array-bounds)
add_compile_definitions(JSON_USE_IMPLICIT_CONVERSIONS=0 _GLIBCXX_ASSERTIONS)
add_compile_definitions(SIGNALBOX_VERSION="${PROJECT_VERSION}")
add_compile_options(-fstack-protector-strong -fPIE)
add_link_options(-pie -Wl,-z,relro,-z,now)

if(SIGNALBOX_SANITIZE)
    add_compile_options(-fsanitize=${SIGNALBOX_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${SIGNALBOX_SANITIZE})
    # The sanitizers' own instrumentation makes these warnings unreliable in GCC 12.
    add_compile_options(-Wno-maybe-uninitialized -Wno-tsan)
endif()

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(SQLite3 3.40 REQUIRED)
find_package(spdlog REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(ZLIB REQUIRED)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)
pkg_check_modules(JEMALLOC REQUIRED IMPORTED_TARGET jemalloc)
find_package(Catch2 REQUIRED)
