"""Runs a command and measures it as the operating system sees it: seconds, core-seconds, peak memory."""

import os
import signal
import subprocess
import threading
import time

PAGE = os.sysconf("SC_PAGE_SIZE")
TICK = os.sysconf("SC_CLK_TCK")
INTERVAL_SECONDS = 0.1
# No side of a benchmark runs longer; what does is ended and told.
LIMIT_SECONDS = 1800


def run(command, cwd):
    """Runs `command` to its end and gives its seconds, core-seconds, peak memory (10^6 bytes) and standard output.

    Memory: the kernel's own high-water mark for a single process. When it has children, the sum over the whole tree
    (each process's proportional share of shared pages), sampled every 0.1 s, if that is more.
    """
    log = os.path.join(cwd, ".bench-errors")
    with open(log, "wb") as errors:
        began = time.monotonic()
        process = subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors)
        tree = Tree(process.pid)
        reader = threading.Thread(target=tree.watch, daemon=True)
        reader.start()
        watch = threading.Timer(LIMIT_SECONDS, tree.end)
        watch.daemon = True
        watch.start()
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    watch.cancel()
    tree.ended = True
    reader.join()
    if tree.ran_out:
        raise SystemExit("%s was still running after %d s" % (" ".join(command), LIMIT_SECONDS))
    if process.returncode != 0:
        with open(log, errors="replace") as file:
            tail = "".join(file.readlines()[-15:])
        raise SystemExit("%s ended with %d\n%s" % (" ".join(command), process.returncode, tail))
    os.remove(log)
    own = usage.ru_utime + usage.ru_stime
    return {
        "seconds": seconds,
        "core_seconds": max(own, tree.core_seconds()),
        "peak_megabytes": max(usage.ru_maxrss * 1024, tree.peak) / 1e6,
        "output": output.decode(errors="replace"),
    }


class Tree:
    """A process and its descendants, sampled."""

    def __init__(self, root):
        self.root = root
        self.ended = False
        self.ran_out = False
        self.peak = 0
        self.ticks = {}

    def end(self):
        """Ends the process and what it started."""
        self.ran_out = True
        for member in reversed(self.members()):
            try:
                os.kill(member, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def watch(self):
        while not self.ended:
            members = self.members()
            if len(members) > 1:
                self.peak = max(self.peak, sum(map(proportional_bytes, members)))
            time.sleep(INTERVAL_SECONDS)

    def members(self):
        parents = {}
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            try:
                with open("/proc/%s/stat" % name) as file:
                    fields = file.read().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(name)] = (int(fields[1]), int(fields[11]) + int(fields[12]))
        found = [self.root] if self.root in parents else []
        for member in found:
            found.extend(pid for pid, (parent, _) in parents.items() if parent == member)
        for member in found:
            self.ticks[member] = parents[member][1]
        return found

    def core_seconds(self):
        return sum(self.ticks.values()) / TICK


def proportional_bytes(pid):
    try:
        with open("/proc/%d/smaps_rollup" % pid) as file:
            for line in file:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
