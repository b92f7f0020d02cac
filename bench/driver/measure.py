"""Runs workloads: clients interleaved, each several times, disturbed runs apart."""
import dataclasses
import time

import peers
from build import Unavailable
from paths import loud, say
from quiet import busy_seconds


@dataclasses.dataclass
class Run:
    work: object
    client: str
    number: int
    result: dict
    foreign: float                      # share of a processor that others used
    server: float                       # processor seconds of the server per million records
    disturbed: str                      # why it doesn't count; empty: it does


def effort(row):
    return len(row.clients) * (2 if row.server.program == "kafka" else 1)


class Session:
    """`runs` clean runs of each client of each row are wanted, until the time is up."""

    def __init__(self, servers, judge, runs, seconds):
        self.servers, self.judge, self.wanted = servers, judge, runs
        self.end = time.monotonic() + seconds
        self.runs = []
        self.unavailable = {}           # client or (client, row): why

    def time_left(self):
        return self.end - time.monotonic()

    def measure(self, rows):
        """Rows of one server together: it runs as long as they do. Within them all clients take turns."""
        kinds = list(dict.fromkeys(row.server for row in rows))
        for position, kind in enumerate(kinds):
            same = [row for row in rows if row.server == kind]
            say(f"--- {kind}, {kind.partitions} partitions: {', '.join(row.name for row in same)}")
            try:
                server = self.servers.get(kind)
            except Unavailable as error:
                loud(f"left out: {', '.join(row.name for row in same)}: {error}")
                continue
            rest = sum(effort(row) for row in rows if row.server in kinds[position:])
            self.measure_on(server, same, self.time_left() * sum(map(effort, same)) / rest)
            self.servers.stop(kind)
            self.servers.retire(kinds[position + 1:])

    def measure_on(self, server, rows, seconds):
        end = time.monotonic() + seconds
        for attempt in range(3 * self.wanted):
            missing = [(row, client) for row in rows for client in row.clients if self.lacks(row, client, attempt, end)]
            if not missing:
                return
            for row, client in missing:
                if attempt > 0 and time.monotonic() > end:
                    return
                self.once(server, row, client, min(3.0, max(0.0, (end - time.monotonic()) / (4 * len(missing)))))

    def lacks(self, row, client, attempt, end):
        if client in self.unavailable or (client, row.name) in self.unavailable:
            return False
        mine = [run for run in self.runs if run.work == row and run.client == client]
        if sum(not run.disturbed for run in mine) >= self.wanted:
            return False
        # Disturbed runs are repeated while there is time, and used, with a note, when there is none
        return attempt == 0 or time.monotonic() < end

    def once(self, server, row, client, patience):
        quiet = self.judge.wait_until_quiet(patience)
        busy, served = busy_seconds(), server.processor_seconds()
        try:
            result, wall, used = peers.run(client, row, server)
        except Unavailable as error:
            self.unavailable[client, row.name] = str(error)
            return loud(f"{client} is left out of {row.name}: {error}")
        served = server.processor_seconds() - served
        foreign = busy_seconds() - busy - used - served
        why = self.judge.disturbed(foreign, wall) or ("" if quiet else "the machine was not quiet before it")
        number = sum(run.work == row and run.client == client for run in self.runs)
        self.runs.append(Run(row, client, number, result, max(0.0, foreign / wall), served / result["records"] * 1e6, why))
        say(f"{row.name:28} {client:14} {result['cpu_s_per_million']:9.4f} CPU-s/M {result['records_per_s']:12,.0f} /s"
            + (f"  p50 {result['send_p50_us']:.0f} us p99 {result['send_p99_us']:.0f} us" if row.rate and "send_p50_us" in result else "")
            + (f"  (disturbed: {why})" if why else ""))
