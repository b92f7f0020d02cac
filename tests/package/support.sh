# shellcheck shell=bash
# Sourced by tests/package/run, and what it gives to the checks of each part.

passed=0 failed=0 skipped=0

check() # NAME COMMAND...
{
    local name=$1 begin=$EPOCHREALTIME verdict=ok
    shift
    echo "--- $name"
    (set -e; "$@") & # not under `if`, where nothing would stop at the first failure
    if wait $!; then passed=$((passed + 1)); else failed=$((failed + 1)) verdict=FAILED; fi
    printf -- '--- %s: %s (%.1f s)\n' "$name" "$verdict" "$(awk "BEGIN { print $EPOCHREALTIME - $begin }")"
}

skip() # NAME REASON
{
    skipped=$((skipped + 1))
    echo "skipped: $1, $2"
}

says() # TEXT COMMAND...: the command fails and prints the text, line breaks apart
{
    local text=$1 output
    shift
    if output=$("$@" 2>&1); then
        echo "this should have failed: $*"
        return 1
    fi
    contains "$text" "$output"
}

contains() # TEXT OUTPUT
{
    if [[ $(tr -s ' \n' ' ' <<<"$2") != *"$1"* ]]; then
        printf 'expected: %s\nprinted: %s\n' "$1" "$2"
        return 1
    fi
}

# What the consumers send.cpp print
sent() { contains "kurier $version: greetings-0@0" "$("$@")"; }

# A compiler's output may be known from the last run
compile() { ${launcher:-} "$@"; }

quietly() # COMMAND...: prints what it said only when it failed
{
    local output
    output=$("$@" 2>&1) || { echo "failed: $*" && echo "$output" && return 1; }
}
