#!/usr/bin/env bash
# Builds and tests everything. From a fresh clone nothing else is needed.
#   ./test.sh             style; release build and all tests; half a minute of each fuzzer under ASan and UBSan, a whole one of scripts
#   ./test.sh --quick     style; release build and all tests
#   ./test.sh --sanitize  style; all tests under ASan and UBSan, the unit tests under TSan
#   ./test.sh --all       all of these, random tests with more seeds, 1000 crashes, clang-tidy
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. scripts/lib.sh

mode=${1:-default}
case "$mode" in
    default | --quick | --sanitize | --all) ;;
    *)
        sed -n '2,7p' "$0" >&2
        exit 2
        ;;
esac

jobs=${SIGNALBOX_JOBS:-$(nproc)}
stages=()

# stage NAME COMMAND…: runs it, remembers how long it took, stops everything when it fails.
stage() {
    local name=$1 began=$SECONDS
    shift
    say "$name"
    local outcome=0
    "$@" || outcome=$?
    stages+=("$(printf '%-52s %5d s' "$name" $((SECONDS - began)))")
    if [ "$outcome" -ne 0 ]; then
        say "FAILED: $name"
        summary
        exit 1
    fi
}

passed=0
failed=0
skipped=0

# What ctest said at its end, added up over the stages; it counts what was skipped among the passed.
count_results() {
    local line bad all left_out
    line=$(grep -E 'tests passed, [0-9]+ tests failed out of [0-9]+' "$1") || return 0
    read -r bad all < <(sed -E 's/.*, ([0-9]+) tests failed out of ([0-9]+).*/\1 \2/' <<<"$line")
    left_out=$(grep -cE '\*\*\*Skipped' "$1" || true)
    passed=$((passed + all - bad - left_out))
    failed=$((failed + bad))
    skipped=$((skipped + left_out))
    grep -E '\(Skipped\)' "$1" >>build/tests-skipped.log || true
}

summary() {
    printf '    %s\n' "${stages[@]}" >&2
    if [ "$skipped" -gt 0 ]; then
        printf '    skipped: %s\n' "$(sed -E 's/.* - (.*) \(Skipped\)/\1/' build/tests-skipped.log | sort -u | xargs)" >&2
    fi
    printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
}

# run_tests PRESET COMMAND-PREFIX… -- CTEST-ARGUMENTS…
run_tests() {
    local preset=$1 prefix=() outcome=0
    shift
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        prefix+=("$1")
        shift
    done
    shift || true
    "${prefix[@]}" ctest --test-dir "build/$preset" --output-on-failure --parallel "$jobs" \
        --timeout "${SIGNALBOX_TEST_TIMEOUT:-900}" "$@" | tee "build/tests-$preset.log" || outcome=$?
    count_results "build/tests-$preset.log"
    return "$outcome"
}

export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_stack_use_after_return=1:strict_string_checks=1}"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1}"
export TSAN_OPTIONS="${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1}"

# GCC 12's thread sanitizer cannot live with every kernel's address randomisation, so it is off where that is allowed.
thread_sanitizer_tests() {
    local fixed=()
    if setarch "$(uname -m)" -R true 2>/dev/null; then fixed=(setarch "$(uname -m)" -R); fi
    run_tests tsan "${fixed[@]}" -- --tests-regex '^test_'
}

# The random tests again with other seeds; each prints its seed when it fails.
random_rounds() {
    local round
    for round in $(seq 20); do
        SIGNALBOX_MATCHER_ROUNDS=200 SIGNALBOX_TEST_SEED=$((RANDOM * 32768 + RANDOM)) ctest --test-dir build/release --output-on-failure \
            --tests-regex '^test_(evaluator|differential|store|pipeline|rebuild)$' --parallel "$jobs" >"build/tests-random.log" || {
            cat build/tests-random.log
            return 1
        }
    done
}

lint() {
    git ls-files -- 'engine/*.cpp' 'rules/*.cpp' 'connectors/*.cpp' |
        xargs -P "$jobs" -n 4 clang-tidy --quiet -p build/lint --extra-arg=-Wno-unknown-warning-option
}

lint_database() {
    # Clang cannot read GCC's precompiled headers, so its commands come from a tree without them.
    cmake -S . -B build/lint -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON \
        -DCMAKE_CXX_COMPILER_LAUNCHER= >build/configure-lint.log
}

mkdir -p build
: >build/tests-skipped.log

stage "setup" scripts/setup --tests
stage "style" python3 tests/tidy/tidy.py
if [ "$mode" != --sanitize ]; then
    stage "release: build" configure_and_build release
    stage "release: tests" run_tests release
fi
if [ "$mode" = --sanitize ] || [ "$mode" = --all ]; then
    stage "address and undefined-behaviour sanitizer: build" configure_and_build asan
    stage "address and undefined-behaviour sanitizer: tests" run_tests asan
    stage "thread sanitizer: build" configure_and_build tsan
    stage "thread sanitizer: tests" thread_sanitizer_tests
fi
if [ "$mode" = default ] || [ "$mode" = --all ]; then
    # For each of the fuzzers.
    stage "fuzzing" tests/fuzz/run --seconds 30 condition_compiler raw_reader worker_frames
    stage "fuzzing scripts" tests/fuzz/run --seconds 60 lua_sandbox
fi
if [ "$mode" = --all ]; then
    stage "random tests, 20 other seeds" random_rounds
    stage "1000 crashes under load" tests/faults/run --long kill
    stage "clang-tidy: database" lint_database
    stage "clang-tidy" lint
fi

say "all passed"
summary
