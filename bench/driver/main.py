"""See bench/run."""
import argparse
import dataclasses
import os
import sys

import paths                            # first: it makes the Kafka harness importable
import build
import counts
import measure
import quiet
import report
import servers
import workloads
from paths import say


def arguments():
    parser = argparse.ArgumentParser(prog="bench/run", description="Measures kurier beside other Kafka producers.")
    parser.add_argument("--quick", action="store_true", help="the core rows, in less than ten minutes")
    parser.add_argument("--runs", type=int, default=5, help="undisturbed runs wanted of each client and row (5)")
    parser.add_argument("--rows", default="", metavar="TEXT,...", help="only rows whose names contain one of these")
    parser.add_argument("--server", default="", choices=["", "mock", "embedded", "kafka"], help="only rows on this one")
    parser.add_argument("--clients", default="", metavar="NAME,...", help="only these clients")
    parser.add_argument("--minutes", type=float, help="at most about so long, building not counted (8, or 120 without --quick)")
    parser.add_argument("--list", action="store_true", help="names the rows and ends")
    return parser.parse_args()


def chosen_rows(options):
    wanted = [word for word in options.rows.split(",") if word]
    only = [word for word in options.clients.split(",") if word]
    found = []
    for row in workloads.all_rows():
        if options.quick:               # the floor is no peer
            row = dataclasses.replace(row, clients=tuple(client for client in row.clients if client != "floor"))
        if options.quick and not row.quick or wanted and not any(word in row.name for word in wanted):
            continue
        if options.server and row.server.program != options.server:
            continue
        if only:
            row = dataclasses.replace(row, clients=tuple(client for client in row.clients if client in only))
        found.append(row)
    return [row for row in found if row.clients]


def build_all(rows):
    """Says early, and once, which clients there are not."""
    builders = {"kurier": build.producer_perf, "librdkafka": build.librdkafka_client, "franz-go": build.franz_client,
                "java": build.java_client, "java-perf-test": build.java_client, "floor": build.floor}
    missing = {}
    for client in dict.fromkeys(client for row in rows for client in row.clients):
        try:
            builders[client]()
        except build.Unavailable as error:
            missing[client] = str(error)
            paths.loud(f"{client} is left out: {error}")
    if "kurier" in missing:
        sys.exit(1)
    return missing


def main():
    options = arguments()
    rows = chosen_rows(options)
    if options.list:
        for row in rows:
            say(f"{row.name:28} {row.title} ({row.server}): {', '.join(row.clients)}")
        return 0
    missing = build_all(rows)
    judge = quiet.Judge()
    pool = servers.Servers()
    session = measure.Session(pool, judge, options.runs, 60 * (options.minutes or (8 if options.quick else 120)))
    session.unavailable |= missing
    try:
        session.measure(rows)
    finally:
        pool.stop_all()
    table = report.write(session, judge)
    say(f"\nwritten: {report.RESULTS.relative_to(paths.ROOT)}/results.md, raw.csv, plot.svg, machine.md")
    disturbed = sum(bool(run.disturbed) for run in session.runs)
    say(f"{disturbed} of {len(session.runs)} runs were disturbed by other load; rows that had to use such runs say DISTURBED")
    report.print_rows(table)
    return 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["producer_perf"]:
        program = str(build.producer_perf())
        os.execv(program, [program, *sys.argv[2:]])
    if sys.argv[1:2] == ["counts"]:
        sys.exit(counts.main(sys.argv[2:]))
    sys.exit(main())
