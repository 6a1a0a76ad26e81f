# SPDX-License-Identifier: GPL-2.0
"""Cluster tests of two nodes with data and a third that is there to vote."""

from cluster import wait_until
from scene import claim, n_acknowledged

WITNESS = 3


def lose(scene, node, other):
    """A data node's plug is pulled under load; the other goes on with the witness."""
    loads = [scene.load(each) for each in (node, other)]
    scene.wait_acknowledged(loads, 100)
    node.kill()
    before = n_acknowledged(loads[1])
    wait_until(lambda: n_acknowledged(loads[1]) > before + 100, 30,
               f"writes that go on without n{node.id}")
    leader = scene.wait_leader([other, scene[WITNESS]])
    claim(leader is other, f"n{leader.id} leads, which has no data")
    scene.end_loads(loads[1:])
    remark = scene.prove([other])
    scene.revive(node)
    return remark


def bytes_used(scene, node):
    status = scene.status(node)
    return status["log_bytes"] - status["log_bytes_free"]


def test_witness(scene):
    """Two data nodes and a witness survive the loss of either data node."""
    scene.options = ["--witness", str(WITNESS)]
    try:
        scene.fresh()
        first = scene.wait_leader()
        second = next(node for node in scene if node is not first and node.id != WITNESS)
        data = [first, second]
        claim(first.id != WITNESS, "the witness leads")
        for node, other in ((first, second), (second, first)):
            lose(scene, node, other)
            remark = scene.prove(data)
        read = scene[WITNESS].run("raftctl read --count 1", check=False)
        claim(read.code != 0, "a witness lets entries be read")
        scene.wait_equal()
        before = {node.id: bytes_used(scene, node) for node in scene}
        first.run("head -c 65536 /dev/urandom > /tmp/large; "
                  "for i in $(seq 32); do raftctl append -q --file /tmp/large || exit 1; done",
                  timeout=120)
        scene.wait_equal()
        used = {node.id: bytes_used(scene, node) - before[node.id] for node in scene}
        claim(10 * used[WITNESS] < used[first.id], f"the witness keeps what the others do: {used}")
    finally:
        scene.options = []
    return f"{remark}; bytes of log for 2 MiB: {used}"
