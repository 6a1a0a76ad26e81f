# SPDX-License-Identifier: GPL-2.0
"""Named sessions on guests. Each takes a scene and returns a remark, or raises."""

import errno
import json

from cluster import DIR, PORT, ClusterError, wait_until
from cluster_tests import sample
from cluster_trim import KEPT, fill_twice
from raftlog import KEY, MODULE, SAMPLE, install_key
from scene import claim

ENTRIES = 60
TRIES = 40


def append_once(node, name, sequence, text, timeout=60):
    """Index and term by raftctl append --session, or None; and what it complains of."""
    result = node.run(["raftctl", "--json", "append", "--session", name, "--sequence",
                       str(sequence), text], timeout, check=False)
    if result.code:
        return None, result.err.strip()
    said = json.loads(result.out)
    return (said["index"], said["term"]), ""


def insist(nodes, name, sequence, text):
    """As a program that is started again and again, each time on another node."""
    complaint = ""
    for i in range(TRIES):
        node = nodes[i % len(nodes)]
        if not node.alive():
            continue
        try:
            where, complaint = append_once(node, name, sequence, text)
        except ClusterError as error:
            complaint = str(error)
            continue
        if where:
            return where
    raise ClusterError(f"sequence {sequence} does not get in: {complaint}")


def claim_sessions_equal(scene):
    """All nodes have the same sessions once they have the same log."""
    def level():
        said = {node.run(["raftctl", "--json", "sessions"]).out for node in scene.up()}
        return len(said) == 1 and json.loads(next(iter(said)))

    scene.wait_equal()
    said = wait_until(level, 30, "equal sessions on all nodes")
    counts = {node.run("cat /sys/class/raftlog/raftlog/n_sessions").out for node in scene.up()}
    claim(counts == {f"{len(said['sessions'])}\n"}, f"sysfs counts {counts} of {said}")
    return said["sessions"]


def claim_once(scene, texts):
    """Each of them is in the log of each node, and once."""
    for node in scene.up():
        lines = node.run("raftctl read --lines", timeout=120).out.splitlines()
        seen = [line for line in lines if line.startswith("job ")]
        claim(sorted(seen) == sorted(texts),
              f"{node} holds {len(seen)} of {len(texts)}, {len(set(seen))} of them different")


def test_sessions(scene):
    """Retries on all nodes while leaders die: in the log once, each time at the same place."""
    scene.fresh()
    nodes = list(scene)
    texts = [f"job {i}" for i in range(1, ENTRIES + 1)]
    where = {}
    for i, text in enumerate(texts, 1):
        if i == ENTRIES // 2:
            leader = scene.wait_leader()
            leader.kill()
        where[i] = insist(nodes[i % 3:] + nodes[:i % 3], "job", i, text)
        # And again, somewhere else: a program that did not hear of it.
        again = insist(nodes[(i + 1) % 3:] + nodes[:(i + 1) % 3], "job", i, text)
        claim(again == where[i], f"sequence {i} is at {where[i]}, and then at {again}")
    scene.revive(leader)
    claim_sessions_equal(scene)
    claim_once(scene, texts)

    # All of them down: what is on the disks is all there is.
    scene.kill(*nodes)
    scene.revive(*nodes)
    scene.wait_leader()
    for i in range(ENTRIES - 10, ENTRIES + 1):
        again = insist(nodes[i % 3:] + nodes[:i % 3], "job", i, texts[i - 1])
        claim(again == where[i], f"sequence {i} was at {where[i]}, and is at {again}")
    where, said = append_once(nodes[0], "job", 1, texts[0])
    claim(not where and "ERANGE" in said, f"an old sequence gets {where}, {said!r}")
    claim_once(scene, texts)
    sessions = claim_sessions_equal(scene)
    claim(len(sessions) == 1 and sessions[0]["last_sequence"] == ENTRIES, f"open are {sessions}")
    return f"{ENTRIES} entries, each asked for on two nodes at least"


def test_sessions_trimmed(scene):
    """Sessions outlive the entries that they are made of, also on who begins anew."""
    scene.options = ["--retain-bytes", str(KEPT)]
    try:
        scene.fresh()
        leader, (away, other) = scene.followers()
        where = insist([leader], "kept", 7, "long gone")
        fill_twice(scene, leader)
        claim(scene.status(leader)["first_index"] > where[0], "the entry is still there")
        claim(insist([other], "kept", 7, "long gone") == where, "it was appended again")

        missed = scene.status(away)["last_index"]
        scene.leave(away)
        leader = scene.wait_leader([node for node in scene if node is not away])
        fill_twice(scene, leader)
        fill_twice(scene, leader)
        claim(scene.status(leader)["first_index"] > missed + 1, "the leader keeps what the other needs")
        scene.join(away)
        wait_until(lambda: (scene.status(away) or {}).get("first_index", 0) > missed + 1, 60,
                   "a member that was away to begin its log anew")
        claim_sessions_equal(scene)
        scene.kill(*scene)
        scene.revive(*scene)
        leader = scene.wait_leader()
        scene.wait_equal()
        if leader is not away:
            leader.run(f"raftctl transfer {away.id}", timeout=60)
        for node in scene:
            claim(insist([node], "kept", 7, "long gone") == where, f"{node} appended it again")
        sessions = claim_sessions_equal(scene)
        claim(len(sessions) == 1, f"open are {sessions}")
        return f"entry {where[0]}, long before {scene.status(away)['first_index']}"
    finally:
        scene.options = []


def test_kernel_session(scene):
    """A client in the kernel is unloaded in mid-flight, again and again: each entry once."""
    node = scene[1]
    node.run(f"insmod {MODULE}; mount -t ext4 /dev/vda {DIR} 2> /dev/null || true")
    node.run(f"rm -f {DIR}/wal {DIR}/snap.*")
    install_key(node)
    start = (f"raftctl start --key {KEY} --id 1 --listen 127.0.0.1:{PORT} --dir {DIR} "
             "--size 64M --format")
    node.run(start, timeout=120)
    loads = 0
    while loads < 4:
        node.run(f"insmod {SAMPLE} count=100000000 session=job")
        wait_until(lambda: sample(node, "appended") > 50, 60, "appends in a session")
        node.run("rmmod raftlog_sample", timeout=30)
        loads += 1
    last = json.loads(node.run(["raftctl", "--json", "sessions"]).out)["sessions"][0]["last_sequence"]
    node.run(f"insmod {SAMPLE} count={last + 100} session=job")
    wait_until(lambda: last + 100 == json.loads(
        node.run(["raftctl", "--json", "sessions"]).out)["sessions"][0]["last_sequence"],
        60, "the rest to be appended")
    claim(sample(node, "unknown") == 0 and sample(node, "refused") == 0, "an append failed")
    node.run("rmmod raftlog_sample")
    lines = node.run("raftctl read --lines", timeout=120).out.splitlines()
    numbers = sorted(int(line.split()[1]) for line in lines if line.startswith("once "))

    # In another log the session's number is nobody's, or somebody else's.
    node.run(f"insmod {SAMPLE} count=100000000 session=job")
    wait_until(lambda: sample(node, "appended") > 50, 60, "appends in a session")
    node.run(f"raftctl stop; rm {DIR}/wal")
    node.run(start, timeout=120)
    wait_until(lambda: f"error -{errno.ESTALE}" in node.run("dmesg").out, 60,
               "a session of another log to be refused")
    node.run("rmmod raftlog_sample; raftctl stop; rmmod raftlog")
    claim(numbers == list(range(1, last + 101)),
          f"{len(numbers)} entries of {last + 100}, {len(set(numbers))} of them different")
    return f"{last + 100} entries, by {loads + 1} clients"
