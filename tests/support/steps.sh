# shellcheck shell=bash
# Sourced by tests/run: runs steps one after another and adds up what they report.
#
# A step counts the lines it prints of the forms `N passed, N failed[, N skipped]` and doctest's summary; one that
# prints none counts as a single test. Exit status 77 means skipped, and its last line is the reason.

quick=no
chosen=()
names=()
declare -A weight about
passed=0 failed=0 skipped=0
logs=build/tests
limit=${KURIER_STEP_SECONDS:-1800}

step() # NAME quick|full FILE DESCRIPTION
{
    [[ -e $3 ]] || return 0 # not written yet: no such step
    names+=("$1")
    weight[$1]=$2
    about[$1]=$4
}

wanted()
{
    if ((${#chosen[@]})); then
        [[ " ${chosen[*]} " == *" $1 "* ]]
    else
        [[ $quick == no || ${weight[$1]} == quick ]]
    fi
}

# Adds up the counts in a log: prints "passed failed skipped"
count()
{
    awk '
        match($0, /[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$/) {
            split(substr($0, RSTART), n, /[^0-9]+/); p += n[1]; f += n[2]; s += n[3] }
        /\[doctest\] test cases:/ {
            sub(/.*test cases:/, ""); split($0, n, /[^0-9]+/); p += n[3]; f += n[4]; s += n[5] }
        END { print p + 0, f + 0, s + 0 }' "$1"
}

run_step() # NAME
{
    local name=$1 log=$logs/$1.log begin=$EPOCHREALTIME status=0 p f s verdict
    printf '%-18s %s\n' "$name" "${about[$name]}"
    timeout -k 20 "$limit" bash tests/run __step "$name" >"$log" 2>&1 </dev/null || status=$?
    read -r p f s < <(count "$log")
    if ((status == 77)); then
        s=$((s + 1)) verdict="SKIPPED: $(tail -n 1 "$log")"
    elif ((status == 0 && f == 0)); then
        ((p + s)) || p=1
        verdict=ok
    else
        ((f)) || f=1
        verdict="FAILED (exit status $status, $log)"
        ((status != 124)) || verdict="FAILED (stopped after $limit s, $log)"
        tail -n "${KURIER_LOG_LINES:-40}" "$log" | cut -c -240 | sed 's/^/    | /'
    fi
    [[ $status == 77 ]] || grep -i '^ *skipped[: ]' "$log" | sed 's/^/    | /' || true
    if ((s)) && [[ -n ${KURIER_NO_SKIP:-} ]]; then
        verdict="FAILED: $s skipped, and nothing may be skipped here"
        f=$((f + s)) s=0
    fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    printf '%18s %s: %s (%s passed, %s failed, %s skipped)\n' "" \
        "$(awk "BEGIN { printf \"%.1f s\", $EPOCHREALTIME - $begin }")" "$verdict" "$p" "$f" "$s"
}

main()
{
    while (($#)); do
        case $1 in
            --quick) quick=yes ;;
            --list) steps; for name in "${names[@]}"; do printf '%-18s %-6s %s\n' "$name" "${weight[$name]}" "${about[$name]}"; done; exit ;;
            --help | -h) sed -n '2,/^set /s/^# \{0,1\}//p' tests/run; exit ;;
            __step) steps; set -x; "step_$2"; exit ;;
            -*) echo "unknown option $1; see --help" >&2; exit 2 ;;
            *) chosen+=("$1") ;;
        esac
        shift
    done
    steps
    local name
    for name in "${chosen[@]}"; do
        [[ -n ${about[$name]:-} ]] || { echo "There is no step '$name'; see --list" >&2; exit 2; }
    done
    mkdir -p "$logs"
    # shellcheck disable=SC2046
    install_packages $(packages)
    for name in "${names[@]}"; do
        if wanted "$name"; then run_step "$name"; fi
    done
    ((failed == 0)) || echo "logs are in $logs"
    echo "$passed passed, $failed failed, $skipped skipped"
    ((failed == 0))
}
