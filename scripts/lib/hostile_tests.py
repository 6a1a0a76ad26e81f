# SPDX-License-Identifier: GPL-2.0
"""Whatever a process, or somebody on the network, can do to one machine's module."""

from cluster import DIR
from cluster_tests import claim_no_leak
from raftlog import MODULE
from scene import claim

# At the end of a torture a file system is full of what is being written.
ENDS_WITHIN = 300


def test_torture(scene):
    """Random calls from many threads, and packets, while the group starts and stops: the kernel
    has nothing to say to it, and a group works as ever afterwards."""
    node = scene[1]
    node.run(f"insmod {MODULE}; mount /dev/vda {DIR} 2> /dev/null || true")
    result = node.run(["torture", DIR, str(scene.seconds), str(scene.random.getrandbits(32))],
                      timeout=scene.seconds + ENDS_WITHIN, check=False)
    claim(result.code == 0, f"exit status {result.code}: {result.out.strip()} {result.err.strip()}")
    node.run(f"rmmod raftlog; rm -f {DIR}/torture*")
    claim_no_leak(node)
    return result.out.strip()


def test_reload_stress(scene):
    """insmod, start, load, stop under the load, rmmod, again and again: what was acknowledged is
    there, and nothing else is left."""
    scene.fresh()
    node = scene[1]
    for _ in range(scene.cycles):
        load = scene.load(node, timeout_ms=5000, largest=1 << 14, pause_ms=5)
        scene.wait_acknowledged([load], 5)
        full = scene.is_nearly_full()
        scene.leave(node)
        load.wait(60, check=False)
        node.run("rmmod raftlog")
        scene.join(node)
        if full:
            scene.prove()
            scene.fresh()
    scene.wait_leader()
    remark = scene.prove()
    scene.leave(node)
    node.run("rmmod raftlog")
    claim_no_leak(node)
    return f"{scene.cycles} cycles; {remark}"
