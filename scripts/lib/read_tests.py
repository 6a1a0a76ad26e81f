# SPDX-License-Identifier: GPL-2.0
"""Linearizable reads on guests. Each takes a scene and returns a remark, or raises."""

import json

from cluster import wait_until
from scene import claim

APPENDS = 24
STATS = "/sys/class/raftlog/raftlog/stats"


def last_line(node, *how, timeout=20):
    """The last entry by a linearizable read, as raftctl says it, and how that ended."""
    result = node.run(["raftctl", "tail", "-n", "1", "--lines", "--linearizable",
                       "--timeout", str(timeout), *how], timeout + 30, check=False)
    return result.code, result.out.rstrip("\n"), result.err


def claim_seen(node, text, *how):
    code, seen, said = last_line(node, *how)
    claim(code == 0, f"a linearizable read on {node}: {said}")
    claim(seen == text, f"a linearizable read on {node} sees {seen!r}, not {text!r}")


def stat(node, name):
    return int(node.run(f"cat {STATS}/{name}").out)


def test_linearizable(scene):
    """What one node acknowledged another shows at once; a minority shows nothing."""
    scene.fresh()
    leader, rest = scene.followers()
    nodes = list(scene)
    for i in range(APPENDS):
        scene.append(nodes[i % 3], f"seen {i}")
        claim_seen(nodes[(i + 1 + i // 3) % 3], f"seen {i}", *(["--lease"] if i % 2 else []))
    remark = shared_rounds(leader, rest[0])

    # The leader is gone, and what it acknowledged is not.
    scene.append(rest[0], "outlives the leader")
    leader.kill()
    claim_seen(rest[1], "outlives the leader")
    claim_seen(rest[0], "outlives the leader")
    scene.append(rest[1], "by the next leader")
    claim_seen(rest[0], "by the next leader", "--lease")
    scene.revive(leader)
    claim_seen(leader, "by the next leader")

    # A leader that is cut off does not know what the others do, and says nothing.
    leader, rest = scene.followers()
    scene.isolate(leader.id)
    try:
        claim_silent(leader)
        scene.wait_leader(rest)
        scene.append(rest[0], "behind its back")
        claim_seen(rest[1], "behind its back")
        claim_silent(leader)
        claim_silent(leader, "--lease")
        stale = leader.run("raftctl tail -n 1 --lines").out
        claim(stale == "by the next leader\n", f"cut off, it knows of {stale!r}")
    finally:
        scene.heal()
    wait_until(lambda: last_line(leader)[1] == "behind its back", 30, "a read of the healed node")
    last = scene.wait_equal()
    claim(len(set(scene.sums().values())) == 1, f"the logs differ: {scene.sums()}")
    return f"{remark}; {last} entries"


def claim_silent(node, *how):
    code, seen, said = last_line(node, *how, timeout=2)
    claim(code == 1 and not seen, f"cut off, {node} shows {seen!r}: {code}, {said}")


def shared_rounds(leader, follower):
    """Many reads at once, on a follower, and few rounds of heartbeats for them."""
    # However slow the guests are, a round takes longer than it takes to ask for the next one.
    follower.netem("delay", "40ms")
    before = stat(leader, "read_rounds"), stat(follower, "reads")
    said = json.loads(follower.run("raftctl --json bench --reads --inflight 32 --seconds 2 "
                                   "--warmup 0", 60).out)
    follower.netem()
    rounds = stat(leader, "read_rounds") - before[0]
    reads = stat(follower, "reads") - before[1]
    claim(not said["errors"], f"reads fail: {said['errors']}")
    claim(reads >= said["reads"] > 0, f"{reads} reads counted of {said['reads']}")
    claim(0 < rounds * 4 < reads, f"{rounds} rounds for {reads} reads")
    return f"{reads} reads in {rounds} rounds"
