# SPDX-License-Identifier: GPL-2.0
"""raftlog on a cluster of guests: load it, start it, look at it."""

import contextlib
import json
import os
import secrets
import threading

from cluster import (BUILD, DIR, PORT, Cluster, ClusterError, CommandError, guest_kernel,
                     wait_until)

MODULE = "/lib/raftlog.ko"
SAMPLE = "/lib/raftlog_sample.ko"
KUNIT_MODULES = ["/lib/kunit.ko", "/lib/raftlog_kunit.ko"]

# What guests encrypt with: one key for all clusters of this process.
KEY = "cluster"
SECRET = secrets.token_hex(32)

# Emulated guests write slowly, and a new log is written from end to end.
LOG_SIZE = "64M"

# Of a status, where logs are not as equal as they should be.
SHOWN = ("state", "role", "current_term", "leader_id", "last_index", "durable_index",
         "commit_index", "last_applied", "lost_index", "log_bytes_free")


def programs(kernel, module=None):
    """What the initramfs of guests with this kind of kernel gets beside the system.

    @module: another raftlog.ko than the one that make leaves for them
    """
    added = [f"bin/raftctl={BUILD}/raftctl", f"bin/load={BUILD}/cluster/load",
             f"bin/badinput={BUILD}/cluster/badinput", f"bin/async={BUILD}/cluster/async",
             f"bin/manygroups={BUILD}/cluster/manygroups",
             f"bin/attack={BUILD}/cluster/attack", f"bin/torture={BUILD}/cluster/torture"]
    built = "raftlog.ko" if kernel == "stock" else f"raftlog-{kernel}.ko"
    added.append(f"{MODULE}={module or os.path.join(BUILD, built)}")
    added.append(f"{SAMPLE}={os.path.join(BUILD, built.replace('raftlog', 'raftlog_sample'))}")
    if kernel != "stock":
        kunit = os.path.join(guest_kernel(kernel)["MODULES"], "kunit.ko")
        added += [f"{KUNIT_MODULES[0]}={kunit}",
                  f"{KUNIT_MODULES[1]}={BUILD}/raftlog_kunit-{kernel}.ko",
                  f"bin/failnth={BUILD}/cluster/failnth"]
    return added


def install_key(node, name=KEY, secret=SECRET):
    """Put a key into the keyring of a guest's kernel."""
    node.run(["raftctl", "key", "install", name], stdin=secret.encode())


def on_each(nodes, action):
    """action(node) on all nodes at once; the first error comes back."""
    errors = []

    def one(node):
        try:
            action(node)
        except (ClusterError, CommandError) as error:
            errors.append(error)

    threads = [threading.Thread(target=one, args=(node,)) for node in nodes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


class RaftCluster(Cluster):
    """A cluster of guests of which the first @members are one raftlog group.

    A guest is a member by its own number, until rename() gives it another. Without
    @secure members neither encrypt nor authenticate what they send.
    """

    def __init__(self, n=3, members=None, ipv6=False, size=LOG_SIZE, options=(), module=None,
                 secure=True, groups=1, **kwargs):
        kwargs.setdefault("programs", programs(kwargs.get("kernel", "stock"), module))
        super().__init__(n, **kwargs)
        self.ipv6 = ipv6
        self.size = size
        self.options = list(options)
        self.security = ["--key", KEY] if secure else ["--insecure"]
        self.load_line = f"insmod {MODULE}" + (f" groups={groups}" if groups > 1 else "")
        self.first_members = list(self.nodes)[:members]
        self.reset_members()

    # Members

    def reset_members(self):
        """As at the first start."""
        self.members = list(self.first_members)
        for node in self:
            self.rename(node, node.id, PORT)

    def rename(self, node, member, port):
        """What the guest is called when it joins next, and where it listens."""
        node.member = member
        node.port = port

    def guest_of(self, member):
        return next(node for node in self if node.member == member)

    def address(self, node):
        return f"[{node.ip6}]:{node.port}" if self.ipv6 else f"{node.ip}:{node.port}"

    def change_members(self, *words, timeout=60):
        """Have the leader change them, whoever that is by then; what raftctl said, as JSON."""
        line = ["raftctl", "--json", "members", "--timeout", str(timeout), *map(str, words)]

        def changed():
            result = self.wait_leader().run(line, timeout + 30, check=False)
            if result.code == 0:
                return json.loads(result.out)
            # Nothing was done: another node can, or this one once it has heard from the rest.
            if any(said in result.err for said in ("this node does not lead", "not this one",
                                                   "does not answer", "not caught up")):
                return None
            raise ClusterError(f"{line}: {result.err.strip()}")

        return wait_until(changed, timeout, f"{line} on a leader")

    def peers(self, node):
        """The members as @node sees them, by their number."""
        status = self.status(node)
        return {peer["id"]: peer for peer in status["peers"]} if status else {}

    def wait_members(self, voters, learners=(), nodes=None, timeout=60):
        """Wait until all nodes agree on who the members are, and nothing is to come."""
        wanted = {**dict.fromkeys(voters, "voter"), **dict.fromkeys(learners, "learner")}

        def settled(node):
            status = self.status(node)
            return (status and not status["changing"] and
                    {peer["id"]: peer["kind"] for peer in status["peers"]} == wanted)

        nodes = nodes or self.up()
        wait_until(lambda: all(settled(node) for node in nodes), timeout,
                   f"the members to be {wanted} on {nodes}", interval=0.2)

    # Start and stop

    def start_line(self, node, *more):
        """The raftctl command that joins @node."""
        words = ["raftctl", "start", "--id", str(node.member), "--listen", self.address(node)]
        words += ["--wal", "/dev/vda"] if self.disk == "raw" else ["--dir", DIR, "--size", self.size]
        if not node.formatted:
            words += ["--format", *(["--force"] if self.disk == "raw" else [])]
        for other in self.first_members:
            if other != node.member:
                words += ["--peer", f"{other}={self.address(self[other])}"]
        return words + self.security + self.options + list(more)

    def join(self, node, *more):
        """Load the module if it is not, and start the group."""
        node.run(f"grep -q '^raftlog ' /proc/modules || {self.load_line}")
        install_key(node)
        result = node.run(self.start_line(node, *more), timeout=120)
        node.formatted = True
        return result

    def join_all(self, *more):
        on_each([self.guest_of(i) for i in self.members], lambda node: self.join(node, *more))

    def leave(self, node):
        node.run("raftctl stop")

    def wipe_all(self):
        """Stop the groups and forget the logs: the guests are as new."""
        def wipe(node):
            node.run("raftctl stop", check=False)
            node.run(f"rm -rf {DIR}/wal {DIR}/snap.*")
            node.formatted = False
        self.heal()
        on_each(self, wipe)

    def kill(self, *nodes):
        for node in nodes:
            node.kill()

    def revive(self, *nodes):
        """Boot guests that were killed, and let them join with the log they had."""
        for node in nodes:
            node.boot()
        for node in nodes:
            node.wait_ready()
        on_each(nodes, self.join)

    # State

    def status(self, node, timeout=10):
        """What raftctl status says, as a dict; None if there is no answer."""
        try:
            result = node.run(["raftctl", "--json", "status"], timeout, check=False)
            return json.loads(result.out)
        except (ClusterError, ValueError):
            return None

    def up(self):
        guests = [self.guest_of(i) for i in self.members]
        return [guest for guest in guests if guest.alive()]

    def leader_of(self, nodes):
        """The leader that a majority of the members agrees on, if it is one of @nodes."""
        votes = {}
        for node in nodes:
            status = self.status(node)
            if status and status.get("leader_id"):
                key = (status["current_term"], status["leader_id"])
                votes[key] = votes.get(key, 0) + 1
        for (_, leader), n in votes.items():
            if 2 * n > len(self.members) and any(leader == node.member for node in nodes):
                return self.guest_of(leader)
        return None

    def wait_leader(self, nodes=None, timeout=30):
        return wait_until(lambda: self.leader_of(nodes or self.up()), timeout, "a leader")

    def followers(self, nodes=None):
        leader = self.wait_leader(nodes)
        return leader, [node for node in nodes or self.up() if node is not leader]

    def wait_peer(self, node, member, wanted, timeout=60):
        """Wait until @node's sysfs says this of a member: value by name of the file."""
        peer = f"/sys/class/raftlog/raftlog/peers/{member}"
        files = " ".join(f"{peer}/{name}" for name in wanted)
        wait_until(lambda: node.run(f"cat {files}").out.split() == list(wanted.values()), timeout,
                   f"member {member} to be {wanted} on {node}")

    def wait_equal(self, nodes=None, timeout=90):
        """Wait until all nodes have applied the same last entry; its index."""
        nodes = nodes or self.up()
        seen = []

        def level():
            seen[:] = [self.status(node) for node in nodes]
            if any(not status or status["state"] != "running" for status in seen):
                return None
            last = {status["last_index"] for status in seen}
            applied = {status["last_applied"] for status in seen}
            return len(last) == 1 and last == applied and next(iter(last))

        try:
            return wait_until(level, timeout, f"equal logs on {nodes}", interval=0.2)
        except ClusterError as error:
            told = ["no answer" if not status else
                    ", ".join(f"{key} {status[key]}" for key in SHOWN) for status in seen]
            raise ClusterError(f"{error}: {'; '.join(told)}") from error

    def sums(self, nodes=None):
        """The log of each node by raftctl's checksum."""
        return {node.id: node.run("raftctl read --sum", timeout=120).out.strip()
                for node in nodes or self.up()}

    def append(self, node, text, timeout=30, check=True):
        return node.run(["raftctl", "append", text], timeout, check)

    def try_append(self, node, text, timeout=30):
        with contextlib.suppress(ClusterError):
            return self.append(node, text, timeout, check=False).code == 0
        return False
