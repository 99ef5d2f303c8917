# Sourced by the scripts that run tests.

# The closing line of every suite, to be said again at the end: much is printed after some of them.
suite_endings=()
# How many tests the last suite had.
suite_test_count=0

# run_suite NAME COMMAND...: runs a suite and shows its output. That no test ran is a failure too.
run_suite() {
    local name=$1 log ending status=0
    shift
    log=$(mktemp)
    "$@" 2>&1 | tee "$log" || status=$?
    # As Swift Testing ends, or Tests/Conformance/check-files.
    ending=$(grep -aE 'Test run with|^[0-9]+ ok, ' "$log" | tail -n 1 || true)
    rm "$log"
    [ "$status" -eq 0 ] || fail "$name failed${ending:+: $ending}"
    suite_test_count=$(sed -E 's/(.*Test run with )?([0-9]+).*/\2/' <<<"$ending")
    [ "${suite_test_count:-0}" -gt 0 ] || fail "$name: no test ran"
    suite_endings+=("$name: $ending")
}

# run_sanitized thread|address [FILTER]: builds the libraries' tests into a folder of their own and runs them. Those of the
# programs measure time, memory limits and exit statuses, which sanitizers change; and the thread sanitizer does not see the
# standard library's Mutex, which loadgen's threads meet at.
run_sanitized() {
    local options=(--sanitize "$1" --scratch-path ".build-$1-sanitizer")
    local environment=(env)
    # What is compared with another package's parser has one thread.
    [ "$1" != thread ] || environment+=(-u ZEROPOOL_PEER_TESTS)
    environment+=(ZEROPOOL_LIBRARY_TESTS_ONLY=1)
    "${environment[@]}" swift build --build-tests "${options[@]}"
    # XCTest's runner, which has nothing to run here, leaks: the leak sanitizer would report that.
    run_suite "$1 sanitizer" "${environment[@]}" \
        swift test --skip-build --disable-xctest "${options[@]}" ${2:+--filter "$2"}
}

print_suite_endings() { printf '%s\n' "${suite_endings[@]}"; }
