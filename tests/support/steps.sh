# shellcheck shell=bash
# Sourced by tests/run: runs steps in two lanes side by side, one that keeps the processors busy (build) and one that mostly
# waits for Kafka, Java or the clock (wait), each in its order, and adds up what they report. A step that measures (alone)
# comes last in the first lane, while the other one pauses between two steps.
#
# A step counts the lines it prints that end with `N passed, N failed[, N skipped][, N unsteady]` and doctest's summary; one
# that prints none counts as a single test. Exit status 77 means skipped, and its last line is the reason.

tier=full
chosen=()
names=()
declare -A tier_of lane_of needs about
logs=build/tests
limit=${KURIER_STEP_SECONDS:-1800}

step() # NAME quick|commit|full build|wait[:NEEDED_STEP]|alone FILE DESCRIPTION
{
    [[ -e $4 ]] || return 0 # not written yet: no such step
    names+=("$1")
    tier_of[$1]=$2
    lane_of[$1]=${3%%:*}
    needs[$1]=$([[ $3 != *:* ]] || echo "${3#*:}")
    about[$1]=$5
}

wanted() # STEP
{
    if ((${#chosen[@]})); then
        [[ " ${chosen[*]} " == *" $1 "* ]]
    else
        case $tier in
            quick) [[ ${tier_of[$1]} == quick ]] ;;
            commit) [[ ${tier_of[$1]} != full ]] ;;
            *) true ;;
        esac
    fi
}

# Adds up the counts in a log: prints "passed failed skipped unsteady"
count()
{
    awk '
        /^\++ / { next } # a command of the step, traced
        match($0, /[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?(, [0-9]+ unsteady)?$/) {
            words = split(substr($0, RSTART), word, /[ ,]+/)
            for (i = 2; i <= words; i += 2) sum[word[i]] += word[i - 1] }
        /\[doctest\] test cases:/ {
            sub(/.*test cases:/, ""); split($0, n, /[^0-9]+/)
            sum["passed"] += n[3]; sum["failed"] += n[4]; sum["skipped"] += n[5] }
        END { print sum["passed"] + 0, sum["failed"] + 0, sum["skipped"] + 0, sum["unsteady"] + 0 }' "$1"
}

run_step() # NAME: prints what it came to in one piece, because the other lane prints too; its counts go to NAME.counts
{
    local name=$1 log=$logs/$1.log begin=$EPOCHREALTIME status=0 p f s unsteady verdict
    timeout -k 20 "$limit" bash tests/run --tier "$tier" __step "$name" >"$log" 2>&1 </dev/null &
    running=$!
    wait "$running" || status=$?
    running=
    read -r p f s unsteady < <(count "$log")
    if ((status == 77)); then
        s=$((s + 1)) verdict="SKIPPED: $(grep -v '^+' "$log" | tail -n 1)"
    elif ((status == 0 && f == 0)); then
        ((p + s + unsteady)) || p=1
        verdict=ok
        ((unsteady == 0)) || verdict="ok, but $unsteady unsteady"
    else
        ((f)) || f=1
        verdict="FAILED (exit status $status, $log)"
        ((status != 124)) || verdict="FAILED (stopped after $limit s, $log)"
    fi
    if ((s)) && [[ -n ${KURIER_NO_SKIP:-} ]]; then
        verdict="FAILED: $s skipped, and nothing may be skipped here"
        f=$((f + s)) s=0
    fi
    {
        printf '%-18s %s\n' "$name" "${about[$name]}"
        [[ $verdict != FAILED* ]] || tail -n "${KURIER_LOG_LINES:-40}" "$log" | cut -c -240 | sed 's/^/    | /'
        [[ $status == 77 ]] || grep -iE '^ *(skipped|unsteady)[: ]' "$log" | sed 's/^/    | /' || true
        printf '%18s %s: %s (%s passed, %s failed, %s skipped)\n' "" \
            "$(awk "BEGIN { printf \"%.1f s\", $EPOCHREALTIME - $begin }")" "$verdict" "$p" "$f" "$s"
    } >"$log.verdict"
    cat "$log.verdict"
    rm -f "$log.verdict"
    echo "$p $f $s $unsteady" >"$logs/$name.counts"
}

# Descriptor 8 is a lock on the machine, which a lane shares while a step runs. One that must be alone, or becomes so (a
# Kafka scenario that is tried once more), has it for itself: it waits until the other lane is between two steps.
export KURIER_MACHINE_LOCK=8

take_machine() # -s|-x; in the background, so that an interrupt ends it
{
    flock "$1" "$KURIER_MACHINE_LOCK" &
    wait $!
}

stop_lane()
{
    if [[ -n ${running:-} ]]; then
        kill "$running" 2>/dev/null || true
        wait "$running" || true
    fi
    flock -u "$KURIER_MACHINE_LOCK"
    exit 1
}

lane() # build|wait STEP...
{
    local name
    exec 8>"$logs/machine.lock"
    [[ $1 == wait ]] || renice -n 5 $BASHPID >/dev/null || true # a compiler can wait for Kafka, Kafka's timeouts can't
    trap stop_lane INT TERM
    for name in "${@:2}"; do
        if [[ ${lane_of[$name]} == "$1" ]]; then
            # What it needs is made by the other lane, or was made before if that is not part of this run
            while [[ -n ${needs[$name]} && " ${*:2} " == *" ${needs[$name]} "* && ! -e $logs/${needs[$name]}.counts ]]; do
                sleep 0.5 &
                wait $!
            done
            take_machine -s
            run_step "$name"
            flock -u "$KURIER_MACHINE_LOCK"
        fi
    done
    [[ $1 == build ]] || return 0
    for name in "${@:2}"; do
        if [[ ${lane_of[$name]} == alone ]]; then
            take_machine -x
            run_step "$name"
            flock -u "$KURIER_MACHINE_LOCK"
        fi
    done
}

run_steps() # STEP...
{
    local name p f s u passed=0 failed=0 skipped=0 unsteady=0 lanes=()
    for name in "$@"; do rm -f "$logs/$name.counts"; done
    lane build "$@" &
    lanes+=($!)
    lane wait "$@" &
    lanes+=($!)
    trap 'kill "${lanes[@]}" 2>/dev/null || true; wait; exit 130' INT TERM
    wait
    for name in "$@"; do
        read -r p f s u <"$logs/$name.counts" || { p=0 f=1 s=0 u=0; echo "$name did not end"; }
        passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s)) unsteady=$((unsteady + u))
    done
    ((failed == 0)) || echo "logs are in $logs"
    echo "$passed passed, $failed failed, $skipped skipped$( ((unsteady == 0)) || echo ", $unsteady unsteady")"
    ((failed == 0))
}

list()
{
    local name
    for name in "${names[@]}"; do printf '%-16s %-7s %-6s %s\n' "$name" "${tier_of[$name]}" "${lane_of[$name]}" "${about[$name]}"; done
}

main()
{
    local name selected=()
    while (($#)); do
        case $1 in
            --quick | --commit) tier=${1#--} ;;
            --tier) tier=$2; shift ;;
            --changed | --changed=*)
                [[ $1 == *=* ]] || set -- "$1=HEAD" "${@:2}"
                export KURIER_CHANGED_SINCE=${1#*=}
                chosen+=(architecture style changed)
                tier=quick
                ;;
            --list) steps; list; exit ;;
            --help | -h) sed -n '2,/^set /s/^# \{0,1\}//p' tests/run; exit ;;
            __step) steps; set -x; "step_$2"; exit ;;
            -*) echo "unknown option $1; see --help" >&2; exit 2 ;;
            *) chosen+=("$1") ;;
        esac
        shift
    done
    steps
    for name in "${chosen[@]}"; do
        [[ -n ${about[$name]:-} ]] || { echo "There is no step '$name'; see --list" >&2; exit 2; }
    done
    mkdir -p "$logs"
    # shellcheck disable=SC2046
    install_packages $(packages)
    for name in "${names[@]}"; do
        if wanted "$name"; then selected+=("$name"); fi
    done
    run_steps "${selected[@]}"
}
