"""Processes that never outlive the test: stopped at exit, on a signal, and by the kernel if the test is killed."""
import atexit
import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

running = []
folders = []
libc = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1


def follow_parent():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def start(command, **options):
    """Popen in a process group of its own. Call it from the main thread only: the kernel takes the end of the
    thread that started a process for the end of the parent."""
    process = subprocess.Popen([str(part) for part in command], start_new_session=True,
                               preexec_fn=follow_parent, **options)
    running.append(process)
    return process


def stop(process, sig=signal.SIGTERM, limit=20):
    """Ends a process with a signal, and with SIGKILL when it has not gone after `limit` seconds."""
    if process.poll() is None:
        send(process, signal.SIGCONT)
        send(process, sig)
        try:
            process.wait(limit)
        except subprocess.TimeoutExpired:
            send(process, signal.SIGKILL)
            process.wait(10)
    if process in running:
        running.remove(process)
    return process.returncode


def send(process, sig):
    if process.poll() is None:
        try:
            os.killpg(process.pid, sig)
        except ProcessLookupError:
            pass


def run(*command):
    """What a short command prints; one that fails is an error."""
    told = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if told.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {told.stderr.strip()}")
    return told.stdout


def erase_at_exit(folder):
    folders.append(pathlib.Path(folder))


@atexit.register
def stop_all():
    for process in list(running):
        send(process, signal.SIGKILL)
    for process in list(running):
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            print(f"process {process.pid} does not end", file=sys.stderr)
        running.remove(process)
    if not os.environ.get("KURIER_KAFKA_KEEP"):
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
    folders.clear()


def on_signal(number, _):
    raise SystemExit(128 + number)                  # runs the exit handlers above


for caught in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(caught, on_signal)


def wait_until(condition, limit, what, every=0.05):
    end = time.monotonic() + limit
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {limit} s")
        time.sleep(every)
