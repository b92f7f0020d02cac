"""Is the machine quiet enough to measure? Other processes show in /proc/stat; a busy host under a virtual machine shows
nowhere in the guest but in how long a fixed piece of work takes."""
import os
import subprocess
import time

import build

HZ = os.sysconf("SC_CLK_TCK")
PROCESSORS = os.cpu_count()


def busy_seconds():
    with open("/proc/stat", encoding="ascii") as file:
        ticks = [int(word) for word in file.readline().split()[1:]]
    return (sum(ticks[:3]) + sum(ticks[5:8])) / HZ  # user, nice, system, irq, softirq, steal


class Judge:
    IDLE_SHARE = 0.03                   # of all processors, before a run
    FOREIGN_SHARE = 0.05                # of one processor, during a run
    SLOW = 1.15                         # times the best calibration seen

    def __init__(self):
        self.best = None
        self.slowness = 1.0
        self.calibration = str(build.calibrate())
        for _ in range(8):
            self.calibrate()

    def calibrate(self):
        took = min(float(subprocess.run([self.calibration], stdout=subprocess.PIPE, text=True, check=True).stdout)
                   for _ in range(2))
        self.best = min(self.best or took, took)
        self.slowness = took / self.best
        return self.slowness

    def wait_until_quiet(self, patience):
        """False if it didn't get quiet within `patience` seconds."""
        end = time.monotonic() + patience
        while True:
            before = busy_seconds()
            time.sleep(0.2)
            idle = busy_seconds() - before <= self.IDLE_SHARE * 0.2 * PROCESSORS + 0.011
            if idle and self.calibrate() <= self.SLOW:
                return True
            if time.monotonic() > end:
                return False
            time.sleep(0.3)

    def disturbed(self, foreign_seconds, wall_seconds):
        """Why a run that has just ended doesn't count; nothing if it does."""
        if foreign_seconds > self.FOREIGN_SHARE * wall_seconds + 0.05:
            return f"other processes used {foreign_seconds / wall_seconds:.0%} of a processor"
        if self.calibrate() > self.SLOW:
            return f"the machine was {self.slowness:.2f} times slower than at its best"
        return ""
