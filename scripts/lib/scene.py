# SPDX-License-Identifier: GPL-2.0
"""A cluster under test, its load, and the proof of what it acknowledged."""

import random
import re

from cluster import wait_until
from raftlog import RaftCluster

# Each load gets numbers of its own.
NUMBERS_PER_LOAD = 1_000_000


class Failure(Exception):
    """A test's claim does not hold."""


def claim(truth, text):
    if not truth:
        raise Failure(text)


class Line:
    """One line of what load append prints: see userspace/cluster/load.c."""

    def __init__(self, words):
        self.outcome = words[0]
        self.node = int(words[1])
        self.ms = int(words[-1])
        self.errno = int(words[4]) if words[0] != "A" else 0


def lines_of(command):
    """Whole lines of a load, while it runs or after."""
    text = bytes(command.out).decode()
    return [Line(line.split()) for line in text[:text.rfind("\n") + 1].splitlines()]


def n_acknowledged(command):
    return bytes(command.out).count(b"A ")


class Scene(RaftCluster):
    """A cluster that remembers every load that ran on it."""

    def __init__(self, *args, cuts=4, seconds=60, cycles=5, snapshot_bytes=8 << 20, packets=20000,
                 **kwargs):
        # A guest's plug is pulled by killing QEMU: what it wrote survives in the
        # host's memory, synced or not, unless the disk is volatile. Not to sync
        # spares the host's other users.
        cache = "writeback" if kwargs.get("volatile") else "unsafe"
        super().__init__(*args, cache=cache, **kwargs)
        self.cuts = cuts
        self.seconds = seconds
        self.cycles = cycles
        self.snapshot_bytes = snapshot_bytes
        self.packets = packets
        # Of logs before the present one, see begin_anew().
        self.proofs = []
        self.random = random.Random(str(kwargs.get("seed", 0)))
        self.loads = []
        self.n_loads = 0

    def say(self, text):
        """What the test does now, among what the kernels say."""
        for node in self.up():
            node.start(["sh", "-c", 'echo "test: $0" > /dev/kmsg', text])

    def load(self, node, count=None, seconds=None, threads=4, largest=4096, timeout_ms=None,
             pause_ms=None):
        """Start load append on a node."""
        self.n_loads += 1
        words = ["load", "append", "--node", str(node.id), "--threads", str(threads),
                 "--max", str(largest), "--first", str(self.n_loads * NUMBERS_PER_LOAD)]
        for option, value in (("--count", count), ("--seconds", seconds),
                              ("--timeout", timeout_ms), ("--pause", pause_ms)):
            if value:
                words += [option, str(value)]
        command = node.start(words)
        self.loads.append(command)
        return command

    def wait_acknowledged(self, loads, n, timeout=60):
        wait_until(lambda: all(n_acknowledged(load) >= n for load in loads), timeout,
                   f"{n} acknowledged entries of each load; there are "
                   f"{[n_acknowledged(load) for load in loads]}")

    def end_loads(self, loads, timeout=60):
        for load in loads:
            if load.running():
                load.signal()
        for load in loads:
            load.wait(timeout, check=False)

    def prove(self, nodes=None):
        """All logs are equal and hold what was acknowledged; what they hold, in words."""
        return self.in_words(self.proof(nodes))

    def begin_anew(self, loads):
        """A new log when there is no more room, once what is there was proved."""
        self.end_loads(loads)
        self.proofs.append(self.proof())
        self.fresh()

    def prove_all(self, loads):
        """Also of the logs before this one."""
        self.end_loads(loads)
        totals = [sum(numbers) for numbers in zip(*self.proofs, self.proof())]
        self.proofs = []
        claim(totals[-1], "nothing was acknowledged")
        return self.in_words(totals)

    @staticmethod
    def in_words(proof):
        entries, size, acknowledged = proof
        return f"{entries} entries, {size / 1e6:.1f} MB, {acknowledged} acknowledged"

    def proof(self, nodes=None):
        """The same as numbers: entries, their bytes, how many were acknowledged."""
        nodes = nodes or self.up()
        self.wait_equal(nodes)
        wait_until(lambda: not any((self.status(node) or {}).get("n_pending", 1) for node in nodes), 20,
                   "every write to end")
        said = b"".join(bytes(load.out[:load.out.rfind(b"\n") + 1]) for load in self.loads)
        verifiers = [(node, node.start(["load", "verify"], stdin=said)) for node in nodes]
        results = {node.id: verifier.wait(300, check=False) for node, verifier in verifiers}
        for number, result in results.items():
            claim(result.code == 0, f"n{number}: {result.err.strip()}")
        claim(len({result.out for result in results.values()}) == 1,
              f"the logs differ: {({i: r.out for i, r in results.items()})}")
        entries, size, _ = next(iter(results.values())).out.split()
        return int(entries), int(size), said.count(b"A ")

    def blank(self):
        """All guests up, without a log, whatever was before."""
        self.heal()
        dead = [node for node in self if not node.alive()]
        for node in dead:
            node.boot()
        for node in dead:
            node.wait_ready()
        for node in self:
            node.netem()
            node.run("killall -q -9 load raftctl; true")
        self.wipe_all()
        self.reset_members()
        self.loads = []

    def fresh(self):
        """A new log on all nodes, whatever was before."""
        self.blank()
        self.join_all()
        self.wait_leader()

    def is_nearly_full(self):
        """Somewhere: a follower whose batches are smaller than the leader's needs more room."""
        self.wait_leader()
        return not all(status and status["log_bytes_free"] > status["log_bytes"] // 4
                       for status in map(self.status, self))

    def complaints(self):
        """Trouble on the consoles, each told once."""
        return sorted({re.sub(r"\[ *[\d.]+\] ", "", line) for line in self.trouble()})
