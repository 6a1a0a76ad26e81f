# SPDX-License-Identifier: GPL-2.0
"""Cluster tests of logs that do not keep all of their entries."""

import errno

from cluster import wait_until
from raftlog import SAMPLE
from scene import claim, lines_of, n_acknowledged

KEPT = 4 << 20
ENTRY = 64 << 10


def overlap(scene):
    """Of what all nodes hold the same; the first index that all have, in words."""
    last = scene.wait_equal()
    first = max(scene.status(node)["first_index"] for node in scene.up())
    sums = {node.run(f"raftctl read --from {first} --to {last} --sum", timeout=120).out
            for node in scene.up()}
    claim(len(sums) == 1, f"the logs differ from {first} to {last}: {sums}")
    return f"{first} to {last}"


def fill_twice(scene, node):
    """More than twice what a log holds, and small ones beside it; none is refused."""
    n = 2 * scene.status(node)["log_bytes"] // ENTRY + 1
    load = scene.load(node, count=300, threads=4, largest=4096)
    result = node.run(f"dd if=/dev/zero of=/dev/raftlog bs={ENTRY} count={n}", timeout=240, check=False)
    claim(result.code == 0, f"a write failed: {result.err.strip()}")
    load.wait(120)
    refused = [line for line in lines_of(load) if line.errno == errno.ENOSPC]
    claim(not refused, f"{len(refused)} writes were refused: the log is full")
    return n + n_acknowledged(load)


def client_is_told(node):
    """A client in the kernel that wants all from the beginning on."""
    node.run(f"insmod {SAMPLE} count=0")

    def said(name):
        return int(node.run(f"cat /sys/module/raftlog_sample/parameters/{name}").out)

    try:
        wait_until(lambda: said("delivered") > 0, 30, "entries to be handed to a client")
        claim(said("gaps") == 1 and said("disorder") == 0,
              f"a client that came late was told of {said('gaps')} gaps")
    finally:
        node.run("rmmod raftlog_sample")


def test_trimmed(scene):
    """A bounded log: never full; who was away begins anew; readers are told of the gap."""
    scene.options = ["--retain-bytes", str(KEPT)]
    try:
        scene.fresh()
        leader, (away, _) = scene.followers()
        log_bytes = scene.status(leader)["log_bytes"]
        written = fill_twice(scene, leader)
        status = scene.status(leader)
        claim(status["first_index"] > 1, "no entry went")
        claim(log_bytes - status["log_bytes_free"] < 2 * KEPT,
              f"{log_bytes - status['log_bytes_free']} bytes are kept")
        held = overlap(scene)

        # Away while the log goes round twice.
        missed = scene.status(away)["last_index"]
        scene.leave(away)
        leader = scene.wait_leader([node for node in scene if node is not away])
        written += fill_twice(scene, leader)
        written += fill_twice(scene, leader)
        claim(scene.status(leader)["first_index"] > missed + 1, "the leader keeps what the other needs")
        scene.join(away)
        wait_until(lambda: (scene.status(away) or {}).get("first_index", 0) > missed + 1, 60,
                   "a member that was away to begin its log anew")
        held = overlap(scene)
        gap = away.run(f"raftctl read --from {missed + 1} --count 1", check=False)
        claim(gap.code == 1 and "not kept" in gap.err, f"a reader is told {gap.err!r} of the gap")
        scene.append(away, "after the gap")
        client_is_told(away)

        # It knows where its log begins when it comes back.
        first = scene.status(away)["first_index"]
        scene.leave(away)
        scene.join(away)
        claim(scene.status(away)["first_index"] <= first, "a restart lets entries go")
        claim(scene.status(away)["first_index"] > missed, "a restart invents entries")
        held = overlap(scene)

        # Less from now on, there alone.
        kept = {node.id: scene.status(node)["first_index"] for node in scene}
        away.run("raftctl set retain-entries=16 retain-bytes=0")
        told = away.run("cat /sys/class/raftlog/raftlog/retain_entries").out
        claim(told == "16\n", f"sysfs tells {told!r}")
        scene.append(away, "less is kept")
        last = scene.status(away)["last_index"]
        wait_until(lambda: scene.status(away)["first_index"] > last - 32, 60, "entries to go")
        claim(all(scene.status(node)["first_index"] == kept[node.id] for node in scene
                  if node is not away), "others let go what one does not keep")
    finally:
        scene.options = []
    return f"{written} written, {held} kept"
