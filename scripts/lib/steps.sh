# Sourced by scripts/test: runs what it consists of step by step, and sums them up at the end, however that comes.
# Needs requirements.sh and suites.sh.

step_names=()
step_commands=()
step_results=()
running_step=
step_start=0

# add_step NAME COMMAND...: to be run by run_steps.
add_step() {
    step_names+=("$1")
    shift
    step_commands+=("$*")
}

# CONDITION || skip_step REASON... || return 0: ends the running step's function, which then counts as skipped.
skip_step() {
    step_outcome="skipped: $*"
    echo "Skipped: $*."
    return 1
}

duration() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }

run_steps() {
    local index
    trap end_steps EXIT
    for index in "${!step_names[@]}"; do
        running_step=$index
        step_start=$SECONDS
        step_outcome=passed
        suite_test_count=0
        printf '\n[%d/%d] %s (after %s)\n' \
            $((index + 1)) ${#step_names[@]} "${step_names[index]}" "$(duration "$SECONDS")"
        ${step_commands[index]}
        record_step
    done
    running_step=
}

record_step() {
    local tests=
    [ "$suite_test_count" -eq 0 ] || tests="$suite_test_count tests"
    step_results+=("$(printf '%-36s %6s  %-8s %s' "${step_names[running_step]}" "$(duration $((SECONDS - step_start)))" \
        "$step_outcome" "$tests")")
}

end_steps() {
    local status=$?
    if [ -n "$running_step" ]; then
        step_outcome=FAILED
        record_step
    fi
    echo
    printf '%s\n' "${step_results[@]}"
    printf '%-36s %6s  ' Total "$(duration "$SECONDS")"
    if [ "$status" -eq 0 ]; then
        echo passed
    else
        echo "FAILED; steps that did not run: $((${#step_names[@]} - ${#step_results[@]}))"
    fi
}
