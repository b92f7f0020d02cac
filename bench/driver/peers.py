"""How each client is told a workload, and what it answered."""
import json
import os
import re
import select
import signal
import subprocess
import tempfile
import time

import build
import jars

# Against librdkafka: a run shall take about as long for every client
SPEED = {"kurier": 2.0, "floor": 4.0, "librdkafka": 1.0, "franz-go": 1.0, "java": 1.0, "java-perf-test": 1.0}


def records_of(client, work):
    if work.rate or work.server.program == "kafka":
        return work.records
    return int(work.records * SPEED[client])


def payload_of(work):
    return build.payload(work.size, 8 << 20 if work.codec != "none" else 1 << 20)


def peer_arguments(client, work, server):
    """NAME=VALUE, the same for all peers."""
    arguments = {"bootstrap": server.bootstrap, "topic": server.topic, "payload": payload_of(work),
                 "records": records_of(client, work), "acks": work.acks, "idempotent": str(work.idempotent).lower()}
    optional = {"keys": work.keys, "headers": work.headers, "rate": work.rate, "batch_bytes": work.batch}
    arguments |= {name: value for name, value in optional.items() if value}
    if work.rate:
        arguments["burst"] = work.burst
    if work.linger >= 0:
        arguments["linger_ms"] = f"{work.linger:g}"
    if work.codec != "none":
        arguments["codec"] = work.codec
    if work.idle_topics:
        arguments["known_topics"] = f"idle:{work.idle_topics}"
    if client == "floor" and work.server.partitions > 1:
        arguments["x.partitions"] = work.server.partitions
    return [f"{name}={value}" for name, value in arguments.items()]


def properties(work):
    """The workload as Kafka's settings."""
    found = {"acks": work.acks, "enable.idempotence": str(work.idempotent).lower(), "compression.type": work.codec}
    if work.linger >= 0:
        found["linger.ms"] = f"{work.linger:g}"
    if work.batch:
        found["batch.size"] = work.batch
    return [f"{name}={value}" for name, value in found.items()]


def kurier(work, server):
    command = [build.producer_perf(), "--json", "--bootstrap-server", server.bootstrap, "--topic", server.topic,
               "--num-records", records_of("kurier", work), "--payload-file", payload_of(work), "--api", work.api,
               "--command-property", *properties(work)]
    if work.keys:
        command += ["--record-key-range", work.keys, "--key-distribution", "range", "--key-size", 12]
    if work.rate:
        command += ["--throughput", work.rate, "--burst", work.burst]
    if work.headers:
        command += ["--headers", work.headers]
    if work.coroutines:
        command += ["--coroutines", work.coroutines]
    if work.idle_topics:
        command += ["--known-topics", f"idle:{work.idle_topics}"]
    return command


def java_perf_test(work, server):
    """Kafka's tool can do neither keys nor bursts."""
    return ["java", "-Xms256m", "-Xmx512m", "-cp", jars.class_path(), "org.apache.kafka.tools.ProducerPerformance",
            "--bootstrap-server", server.bootstrap, "--topic", server.topic, "--num-records", records_of("java-perf-test", work),
            "--payload-file", payload_of(work), "--throughput", work.rate or -1, "--command-property", *properties(work)]


def command(client, work, server):
    if client == "kurier":
        made = kurier(work, server)
    elif client == "java-perf-test":
        made = java_perf_test(work, server)
    elif client == "java":
        made = ["java", "-Xms256m", "-Xmx512m", "-cp", build.java_client(), "Client", *peer_arguments(client, work, server)]
    else:
        program = {"librdkafka": build.librdkafka_client, "franz-go": build.franz_client, "floor": build.floor}[client]()
        made = [program, *peer_arguments(client, work, server)]
    if work.one_core:
        made = ["taskset", "-c", "0", *made]
    return [str(word) for word in made]


def parse(client, work, text, usage):
    """The client's result as numbers by name."""
    if client == "kurier":
        line = json.loads(text.strip().splitlines()[-1])
        for kind in ("send", "due"):
            for name, key in (("p50", "p50"), ("p90", "p90"), ("p99", "p99"), ("p999", "p99.9"), ("max", "max")):
                line[f"{kind}_{name}_us"] = line[f"{kind}_us"][key]
        return {name: value for name, value in line.items() if not isinstance(value, dict)}
    if client == "java-perf-test":
        return parse_java_tool(work, text, usage)
    line = next(line for line in text.splitlines() if line.startswith("peer="))
    found = dict(part.split("=", 1) for part in line.split())
    return {name: float(value) if re.fullmatch(r"-?[\d.]+", value) and name != "version" else value
            for name, value in found.items()}


def parse_java_tool(work, text, usage):
    """Everything of the process counts, the start of the virtual machine too: the tool doesn't tell them apart."""
    total = re.search(r"^(\d+) records sent, ([\d.]+) records/sec", text.strip().splitlines()[-1])
    ok = int(total[1])
    used = usage.ru_utime + usage.ru_stime
    return {"peer": "java-perf-test", "version": jars.NEWEST, "records": work.records, "ok": ok, "failed": work.records - ok,
            "cpu_s_per_million": used / ok * 1e6, "records_per_s": float(total[2]), "peak_memory_kb": usage.ru_maxrss}


def run(client, work, server, limit=180):
    """Runs a client once: (result, wall seconds, processor seconds). Raises Unavailable if it failed."""
    start = time.monotonic()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        pid, status, usage = wait(subprocess.Popen(command(client, work, server), stdin=subprocess.DEVNULL, stdout=out,
                                                   stderr=errors, start_new_session=True), limit)
        wall = time.monotonic() - start
        out.seek(0)
        errors.seek(0)
        out, errors = out.read(), errors.read()
    if status is None:
        raise build.Unavailable(f"{client} took longer than {limit} s for {work.name}: {errors.strip()[-300:]}")
    if status:
        raise build.Unavailable(f"{client} failed at {work.name}: {(errors or out).strip()[-500:]}")
    result = parse(client, work, out, usage)
    if result["ok"] != result["records"]:
        raise build.Unavailable(f"{client} lost records at {work.name}: {result}")
    return result, wall, usage.ru_utime + usage.ru_stime


def wait(process, limit):
    """(pid, status, what this one child has used); the status is None when it had to be killed."""
    descriptor = os.pidfd_open(process.pid)
    try:
        in_time = bool(select.select([descriptor], [], [], limit)[0])
    finally:
        os.close(descriptor)
    if not in_time:
        os.killpg(process.pid, signal.SIGKILL)
    pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)  # or Popen would wait for it again
    return pid, process.returncode if in_time else None, usage
