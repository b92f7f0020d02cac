"""bench/results: every run, a table, a plot, the machine."""
import csv
import os
import platform
import statistics
import subprocess
import time
from xml.sax.saxutils import escape

from paths import RESULTS, notes

UNITS = {"cpu_s_per_million": "CPU-s per million records", "records_per_s": "records/s", "peak_memory_kb": "peak memory, kB",
         "send_p50_us": "p50 latency, us", "send_p99_us": "p99 latency, us", "due_p50_us": "p50 corrected, us",
         "due_p99_us": "p99 corrected, us"}
SHORT = {"cpu_s_per_million": "cpu", "records_per_s": "speed", "peak_memory_kb": "memory", "send_p50_us": "p50",
         "send_p99_us": "p99", "due_p50_us": "p50-corrected", "due_p99_us": "p99-corrected"}
MORE_IS_BETTER = {"records_per_s"}
OURS = "kurier"
COLOURS = {"kurier": "#1b7837", "librdkafka": "#2166ac", "franz-go": "#35a5c8", "java": "#b2182b", "java-perf-test": "#d6604d",
           "floor": "#999999"}


class Table:
    """Medians and bests of what counts."""

    def __init__(self, runs):
        self.runs = runs
        self.rows = list(dict.fromkeys(run.work for run in runs))

    def counting(self, row, client):
        """The clean runs, or all of them if there are too few clean ones to speak of."""
        mine = [run for run in self.runs if run.work == row and run.client == client]
        clean = [run for run in mine if not run.disturbed]
        return (clean, True) if len(clean) >= min(3, len(mine)) and clean else (mine, False)

    def value(self, row, client, metric):
        """(median, best, runs, clean) or nothing."""
        runs, clean = self.counting(row, client)
        values = [float(run.result[metric]) for run in runs if metric in run.result]
        if not values:
            return None
        best = max(values) if metric in MORE_IS_BETTER else min(values)
        return statistics.median(values), best, len(values), clean

    def comparisons(self, include_floor=False):
        """(row, metric, ours, peer, theirs): medians."""
        for row in self.rows:
            for metric in row.metrics:
                ours = self.value(row, OURS, metric)
                for peer in row.clients:
                    theirs = self.value(row, peer, metric)
                    if peer != OURS and ours and theirs and (peer != "floor" or include_floor):
                        yield row, metric, ours, peer, theirs


def number(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}" if value >= 10 else f"{value:.3f}" if value >= 0.1 else f"{value:.4f}"


def plain(value):
    return f"{value:.0f}" if value >= 1000 else f"{value:.4f}"


def print_rows(table):
    """The last lines of the output, for eyes and scripts."""
    for row, metric, ours, peer, theirs in table.comparisons():
        mark = "" if ours[3] and theirs[3] else " DISTURBED"
        print(f"ROW {row.name}.{SHORT[metric]} ours {plain(ours[0])} peer {peer} {plain(theirs[0])} "
              f"ratio {ours[0] / theirs[0]:.3f}{mark}", flush=True)


def write_raw(runs):
    fields = list(dict.fromkeys(name for run in runs for name in run.result if name not in ("peer", "version")))
    with open(RESULTS / "raw.csv", "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["row", "server", "client", "version", "run", "disturbed", "foreign_processor_share",
                      "server_cpu_s_per_million", *fields])
        for run in runs:
            out.writerow([run.work.name, str(run.work.server), run.client, run.result.get("version", ""), run.number,
                          run.disturbed, f"{run.foreign:.3f}", f"{run.server:.4f}",
                          *[run.result.get(name, "") for name in fields]])


def row_table(table, server, rows):
    lines = [f"\n## {server}\n", "| workload | measured | client | median | best | runs | kurier / this |",
             "|---|---|---|---:|---:|---:|---:|"]
    for row in rows:
        title, ours = row.title, None
        for metric in row.metrics:
            measured = UNITS[metric]
            ours = table.value(row, OURS, metric)
            for client in row.clients:
                value = table.value(row, client, metric)
                if not value:
                    continue
                ratio = f"{ours[0] / value[0]:.3f}" if ours and client != OURS else ""
                lines.append(f"| {title} | {measured} | {client} | {number(value[0])} | {number(value[1])} | "
                             f"{value[2]}{'' if value[3] else ' *'} | {ratio} |")
                title = measured = ""
    return lines


def write_markdown(table, session):
    versions = dict.fromkeys((run.client, run.result.get("version", "")) for run in table.runs)
    lines = ["# Benchmark results\n", f"{time.strftime('%Y-%m-%d')}, " +
             ", ".join(f"{client} {version}" for client, version in versions) + ". Method and limits: "
             "[bench/README.md](../README.md); machine: [machine.md](machine.md); every run: [raw.csv](raw.csv).\n",
             "Ratios are of medians: below 1, kurier uses less (of records/s: above 1, kurier is faster). An asterisk marks "
             "values that include runs disturbed by other load.\n"]
    for server in dict.fromkeys(str(row.server) for row in table.rows):
        lines += row_table(table, server, [row for row in table.rows if str(row.server) == server])
    disturbed = sum(bool(run.disturbed) for run in table.runs)
    lines.append(f"\n{len(table.runs)} runs, {disturbed} of them disturbed.")
    for what, why in session.unavailable.items():
        lines.append(f"\nNot measured: {' at '.join(what) if isinstance(what, tuple) else what}: {why.splitlines()[0]}")
    for note in notes:
        lines.append(f"\nNote: {note.splitlines()[0]}")
    (RESULTS / "results.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_plot(table):
    """Client CPU per record, a group of bars for each row, relative to the dearest client of the row."""
    metric = "cpu_s_per_million"
    rows = [row for row in table.rows if metric in row.metrics and table.value(row, OURS, metric)]
    left, width, bar, gap, top = 330, 560, 13, 12, 46
    parts, y = [], top
    for row in rows:
        values = [(client, table.value(row, client, metric)[0]) for client in row.clients if table.value(row, client, metric)]
        most = max(value for _, value in values)
        middle = y + bar * len(values) / 2 + 4
        server = "" if row.server.program == "mock" else f"{row.server.program}: "
        parts.append(f'<text x="{left - 10}" y="{middle:.0f}" text-anchor="end">{escape(server + row.title)}</text>')
        for client, value in values:
            length = max(1.0, width * value / most)
            parts.append(f'<rect x="{left}" y="{y}" width="{length:.1f}" height="{bar - 2}" fill="{COLOURS[client]}"/>')
            parts.append(f'<text x="{left + length + 5:.1f}" y="{y + bar - 4}" class="n">{client} {number(value)}</text>')
            y += bar
        y += gap
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 140}" height="{y + 10}" '
            'font-family="sans-serif" font-size="12"><style>.n{font-size:10px;fill:#444}</style>'
            f'<rect width="100%" height="100%" fill="white"/><text x="10" y="24" font-size="16">Processor seconds of the '
            'client per million records (median; shorter is better)</text>')
    (RESULTS / "plot.svg").write_text(head + "\n".join(parts) + "</svg>\n", encoding="utf-8")


def first_line(command):
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout.strip().splitlines()[0]
    except (OSError, IndexError):
        return "not there"


def field_of(path, name):
    with open(path, encoding="utf-8", errors="replace") as file:
        return next((line.split(":", 1)[1].strip() for line in file if line.startswith(name)), "unknown")


def write_machine(judge):
    clock = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
    virtual = "hypervisor" in field_of("/proc/cpuinfo", "flags").split()
    lines = ["# The machine\n", f"- processor: {os.cpu_count()} x {field_of('/proc/cpuinfo', 'model name')}"
             + (", in a virtual machine" if virtual else ""),
             f"- memory: {field_of('/proc/meminfo', 'MemTotal')}",
             f"- system: {platform.platform()}, {platform.freedesktop_os_release().get('PRETTY_NAME', '')}",
             f"- clock source: {open(clock, encoding='ascii').read().strip() if os.path.exists(clock) else 'unknown'}",
             f"- compiler: {first_line([os.environ.get('CXX', 'g++'), '--version'])}, -O2",
             f"- Java: {first_line(['java', '-version'])}", f"- Go: {first_line(['go', 'version'])}",
             f"- load when it ended: {os.getloadavg()[0]:.2f}",
             f"- best calibration: {judge.best:.1f} ms"]
    (RESULTS / "machine.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write(session, judge):
    RESULTS.mkdir(parents=True, exist_ok=True)
    table = Table(session.runs)
    write_raw(session.runs)
    write_markdown(table, session)
    write_plot(table)
    write_machine(judge)
    return table
