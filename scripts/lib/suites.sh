# Sourced by the scripts that run tests.

# The closing line of every suite, to be said again at the end: much is printed after some of them.
suite_endings=()

# run_suite NAME COMMAND...: runs a suite and shows its output. That no test ran is a failure too.
run_suite() {
    local name=$1 log ending status=0
    shift
    log=$(mktemp)
    "$@" 2>&1 | tee "$log" || status=$?
    ending=$(grep -a 'Test run with' "$log" | tail -n 1 || true)
    rm "$log"
    [ "$status" -eq 0 ] || fail "$name failed${ending:+: $ending}"
    case $ending in
    *' with 0 tests'* | '') fail "$name: no test ran" ;;
    esac
    suite_endings+=("$name: $ending")
}

# The libraries' tests. Those of the programs measure time, memory limits and exit statuses, which sanitizers change; and
# the thread sanitizer does not see the standard library's Mutex, which loadgen's threads meet at.
sanitizable_tests='^(ZeroPoolTests|ZeroPoolURingTests|HTTP1Tests|ZeroPoolReactorTests|PooledEchoTests)\.'

# run_sanitized thread|address FILTER: builds into a folder of its own and runs the tests that the filter names.
run_sanitized() {
    local options=(--sanitize "$1" --scratch-path ".build-$1-sanitizer")
    swift build --build-tests "${options[@]}"
    # XCTest's runner, which has nothing to run here, leaks: the leak sanitizer would report that.
    run_suite "$1 sanitizer" swift test --skip-build --disable-xctest "${options[@]}" --filter "$2"
}

print_suite_endings() { printf '%s\n' "${suite_endings[@]}"; }
