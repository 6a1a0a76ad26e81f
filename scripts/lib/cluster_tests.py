# SPDX-License-Identifier: GPL-2.0
"""The cluster tests. Each takes a scene and returns a remark, or raises."""

import errno
import functools
import json
import re
import time
import uuid

from cluster import DIR, PORT, ClusterError, wait_until
from cluster_sysfs import test_documented  # noqa: F401 pylint: disable=unused-import
from cluster_trim import test_trimmed  # noqa: F401 pylint: disable=unused-import
from cluster_witness import test_witness  # noqa: F401 pylint: disable=unused-import
from raftlog import KEY, KUNIT_MODULES, MODULE, SAMPLE, install_key
from read_tests import test_linearizable  # noqa: F401 pylint: disable=unused-import
from scene import claim, lines_of, n_acknowledged

HOLD_SECONDS = 60
FAILOVER_MS = 2000
# raftctl start's own.
ELECTION_TIMEOUT_MS = 500
RELOADS = 20
APPENDS = 500
# Where the log begins in a WAL: see kmod/wal/format.h.
LOG_AREA = 64 << 10
BLOCK = 4096


def test_roles(scene):
    """Every edge of the role diagram is seen in raftctl events."""
    scene.fresh()
    leader, (first, second) = scene.followers()
    # (4): a leader that hears no majority follows. (5): nor does a candidate win.
    scene.isolate(leader.id)
    scene.wait_leader([first, second])
    wait_until(lambda: {0, 1, 3, 4, 5} <= edges(scene), 20, "edges 0, 1, 3, 4 and 5")
    # It goes on asking for votes, and said so: that is no news.
    wait_until(lambda: {event["edge"] for event in events(leader)[-2:]} == {1, 5}, 20,
               "edges 1 and 5 of the node alone")
    asked, told = tx_messages(leader), events(leader)
    wait_until(lambda: tx_messages(leader) >= asked + 12, 60, "more requests for votes")
    claim(events(leader) == told, "a node alone repeats itself in raftctl events")
    scene.heal()
    # (2): votes are asked for and promised, but no disk takes them.
    leader = scene.wait_leader(list(scene))
    # One whose disk has yet to take the newest term could not promise anything.
    scene.wait_equal()
    rest = [node for node in scene if node is not leader]
    for node in rest:
        node.run(f"fsfreeze --freeze {DIR}")
    scene.isolate(leader.id)
    try:
        wait_until(lambda: 2 in edges(scene), 20, "edge 2")
        # Of the two that are needed one vote can be written: that is not enough.
        rest[0].run(f"fsfreeze --unfreeze {DIR}")
        asked = tx_messages(rest[0])
        wait_until(lambda: tx_messages(rest[0]) >= asked + 12, 60, "more requests for votes")
        claim(not scene.leader_of(rest), "a vote that is on no disk made a leader")
    finally:
        for node in rest:
            node.run(f"fsfreeze --unfreeze {DIR}", check=False)
        scene.heal()
    leader = scene.wait_leader(list(scene))
    node = next(node for node in scene if node is not leader)
    text = node.run("cd /sys/class/raftlog/raftlog && cat role leader_id").out
    claim(text == f"follower\n{leader.id}\n", f"sysfs tells role and leader, not {text!r}")
    return "0 1 2 3 4 5"


def tx_messages(node):
    return int(node.run("cat /sys/class/raftlog/raftlog/stats/tx_messages").out)


def events(node):
    return [json.loads(line)
            for line in (node.try_run("raftctl --json events") or "").splitlines()]


def edges(scene):
    return {event["edge"] for node in scene.up() for event in events(node)} - {None}


def test_order(scene):
    """10,000 mixed-size appends from three nodes: the same bytes in the same order."""
    scene.fresh()
    began = time.monotonic()
    loads = [scene.load(node, count=count, threads=32, largest=1 << 20)
             for node, count in zip(scene, (3334, 3333, 3333))]
    for load in loads:
        load.wait(240)
    took = time.monotonic() - began
    return f"{scene.prove()} in {took:.0f} s"


def test_leader_killed(scene):
    """The leader's plug is pulled under load: nothing lost, and on within 2 s."""
    scene.fresh()
    leader = scene.wait_leader()
    rest = [node for node in scene if node is not leader]
    loads = [scene.load(node) for node in scene]
    scene.wait_acknowledged(loads, 100)
    before = [n_acknowledged(load) for load in loads]
    leader.kill()
    survivors = [load for load in loads if load.node is not leader]
    wait_until(lambda: all(n_acknowledged(load) > before[loads.index(load)] + 100
                           for load in survivors), 30, "writes that go on")
    new = scene.wait_leader(rest)
    scene.end_loads(survivors)
    gap = max(longest_gap_ms(load) for load in survivors)
    remark = scene.prove(rest)
    scene.revive(leader)
    scene.prove()
    claim(gap <= FAILOVER_MS, f"{gap} ms without an acknowledged append, not {FAILOVER_MS}")
    return f"n{leader.id} to n{new.id}, {gap} ms of guest time without an append; {remark}"


def longest_gap_ms(load):
    times = sorted(line.ms for line in lines_of(load) if line.outcome == "A")
    return max(b - a for a, b in zip(times, times[1:]))


def test_transfer(scene):
    """Leadership handed to and fro under load: no append fails, hardly one waits."""
    scene.fresh()
    gaps = transfer_under_load(scene)
    refuse_transfers(scene)
    stopped = stop_leader_under_load(scene)
    stalled = stall_leader_under_load(scene)
    higher_priority_leads(scene)
    remark = scene.prove()
    said = (f"{max(gaps)} ms of guest time without an append, {stopped} ms when the leader is "
            f"stopped, {stalled} ms when its disk stalls")
    claim(max(*gaps, stopped, stalled) < ELECTION_TIMEOUT_MS,
          f"{said}: not less than {ELECTION_TIMEOUT_MS}")
    return f"{said}; {remark}"


def transfer_under_load(scene):
    """Longest time without an acknowledged append of each load."""
    loads = [scene.load(node) for node in scene]
    scene.wait_acknowledged(loads, 100)
    for turn in range(6):
        leader, (first, second) = scene.followers()
        target = (first, second, None)[turn % 3]
        out = leader.run(f"raftctl transfer {target.id if target else ''}").out
        wanted = [target] if target else [first, second]
        claim(out in [f"node {node.id} leads\n" for node in wanted], f"transfer says {out!r}")
        wait_until(lambda: scene.leader_of(scene.up()) in wanted, 30, "the others to follow")
        claim(leader.run("cat /sys/class/raftlog/raftlog/reason").out == "transferred\n",
              "the old leader does not say that it handed over")
        before = max(n_acknowledged(load) for load in loads)
        scene.wait_acknowledged(loads, before + 50)
    scene.end_loads(loads)
    claim_all_acknowledged(loads)
    return [longest_gap_ms(load) for load in loads]


def claim_all_acknowledged(loads):
    others = [line for load in loads for line in lines_of(load) if line.outcome != "A"]
    claim(not others, f"{len(others)} appends failed, one with errno "
          f"{others[0].errno if others else 0}")


def refuse_transfers(scene):
    leader, (first, second) = scene.followers()

    def refuses(node, target, words):
        result = node.run(f"raftctl transfer {target}", check=False)
        claim(result.code == 1 and words in result.err,
              f"transfer on n{node.id} to {target}: {result.code} {result.err!r}")

    refuses(first, second.id, f"node {leader.id} leads, not this one")
    refuses(leader, 9, "no such member")
    scene.isolate(second.id)
    scene.wait_peer(leader, second.id, {"active": "0"}, 20)
    refuses(leader, second.id, "does not answer")
    scene.heal()
    scene.wait_peer(leader, second.id, {"active": "1", "progress": "replicate"}, 20)


def stop_leader_under_load(scene):
    """A leader stopped in order: longest time without an append of the others."""
    leader, rest = scene.followers()
    loads = [scene.load(node) for node in rest]
    scene.wait_acknowledged(loads, 100)
    scene.leave(leader)
    before = max(n_acknowledged(load) for load in loads)
    scene.wait_acknowledged(loads, before + 50)
    scene.end_loads(loads)
    claim_all_acknowledged(loads)
    scene.join(leader)
    return max(longest_gap_ms(load) for load in loads)


def stall_leader_under_load(scene):
    """The leader's disk stands still: the same. Commits need the others' disks only."""
    leader, rest = scene.followers()
    loads = [scene.load(node) for node in rest]
    scene.wait_acknowledged(loads, 100)
    leader.run(f"fsfreeze --freeze {DIR}")
    try:
        wait_until(lambda: scene.leader_of(rest), 30, "another leader")
        claim(leader.run("cat /sys/class/raftlog/raftlog/reason").out == "disk_stalled\n",
              "the old leader does not say that its disk stalled")
        before = max(n_acknowledged(load) for load in loads)
        scene.wait_acknowledged(loads, before + 50)
    finally:
        leader.run(f"fsfreeze --unfreeze {DIR}")
    scene.end_loads(loads)
    claim_all_acknowledged(loads)
    return max(longest_gap_ms(load) for load in loads)


def higher_priority_leads(scene):
    """Whoever is started with a higher priority leads, once it has caught up."""
    _, (node, _) = scene.followers()
    scene.leave(node)
    scene.join(node, "--priority", "7")
    wait_until(lambda: scene.leader_of(scene.up()) is node, 30,
               "the node of the highest priority to lead")
    claim(node.run("cat /sys/class/raftlog/raftlog/priority").out == "7\n", "its priority is lost")
    scene.leave(node)
    scene.join(node)


def test_minority(scene):
    """A leader cut off from both others: its writes fail, theirs go on, then all is equal."""
    scene.fresh()
    leader, rest = scene.followers()
    before = scene.load(leader, count=20)
    before.wait(60)
    scene.wait_equal()
    committed = leader.run(["load", "verify"]).out
    scene.isolate(leader.id)
    cut = scene.load(leader, seconds=4, timeout_ms=1500)
    new = scene.wait_leader(rest)
    majority = [scene.load(node, count=100) for node in rest]
    for load in majority:
        load.wait(60)
    cut.wait(30, check=False)
    claim(not n_acknowledged(cut), "a minority acknowledged a write")
    claim(lines_of(cut), "the minority's writes neither failed nor waited")
    claim(leader.run(["load", "verify"]).out == committed,
          "what a minority did not commit can be read there")
    status = scene.status(leader)
    claim(status["role"] != "leader", "the node that was cut off still says it leads")
    scene.heal()
    errors = " and ".join(sorted({errno.errorcode[line.errno] for line in lines_of(cut)}))
    return f"n{new.id} leads the majority, {errors} in the minority; {scene.prove()}"


def test_all_killed(scene):
    """All three killed at once and booted again: everything acknowledged is there."""
    scene.fresh()
    loads = [scene.load(node) for node in scene]
    scene.wait_acknowledged(loads, 150)
    scene.kill(*scene)
    scene.revive(*scene)
    scene.wait_leader()
    more = [scene.load(node, count=20) for node in scene]
    for load in more:
        load.wait(60)
    return scene.prove()


def test_damaged(scene):
    """A block in the middle of a log rots, a follower's and then the leader's, and the first
    of one: repaired."""
    scene.fresh()
    for load in [scene.load(node, count=150) for node in scene]:
        load.wait(60)
    leader, (follower, other) = scene.followers()
    lost = []
    for node, part in ((follower, 0.5), (leader, 0.5), (other, 0)):
        status = scene.status(node)
        scene.leave(node)
        used = status["log_bytes"] - status["log_bytes_free"]
        block = (LOG_AREA + int(used * part)) // BLOCK
        node.run(f"dd if=/dev/urandom of={DIR}/wal bs={BLOCK} count=1 seek={block} "
                 "conv=notrunc,fsync")
        scene.wait_leader([other for other in scene if other is not node])
        load = scene.load(next(other for other in scene if other is not node), count=50)
        scene.join(node)
        said = re.findall(r"entries (\d+) to (\d+) are lost here", node.run("dmesg").out)
        claim(said, f"{node} does not say that its log is damaged")
        lost.append(int(said[-1][1]) - int(said[-1][0]) + 1)
        wait_until(lambda node=node: scene.status(node)["lost_index"] == 0, 60,
                   f"the log of {node} to be repaired")
        load.wait(60)
    return f"{', '.join(map(str, lost))} entries lost and repaired; {scene.prove()}"


def boot(node):
    node.boot()
    node.wait_ready()


def test_idle_damaged(scene):
    """The last write rots under a node that started after a power failure and was sent nothing
    since: that is not taken for a torn one."""
    scene.fresh()
    scene.wait_acknowledged([scene.load(scene[1])], 60)
    node, wal = scene[2], f"{DIR}/wal"
    # Under load the newest slot is behind the last writes.
    scene.kill(*scene)
    boot(node)
    slots = f"dd if={wal} bs={LOG_AREA} count=1 2>/dev/null"
    node.run(f"{slots} > /tmp/slots")
    scene.join(node)
    wait_until(lambda: node.run(f"{slots} | cmp -s - /tmp/slots", check=False).code, 30,
               f"{node} to write where its log ends")
    status = scene.status(node)
    scene.kill(node)
    boot(node)
    end = (LOG_AREA + status["log_bytes"] - status["log_bytes_free"]) // BLOCK
    node.run(f"dd if=/dev/urandom of={wal} bs={BLOCK} count=1 seek={end - 1} "
             "conv=notrunc,fsync")
    scene.join(node)
    said = node.run("dmesg").out
    claim("are lost here" in said and "cut a torn write" not in said,
          f"{node} takes damage for a torn write")
    scene.revive(*(other for other in scene if other is not node))
    scene.wait_leader()
    wait_until(lambda: scene.status(node)["lost_index"] == 0, 60,
               f"the log of {node} to be repaired")
    return scene.prove()


def test_lone_damaged(scene):
    """A lone server with a damaged log is refused, again and again, and its file left as it
    was: with the block that was lost back in its place, all is there."""
    scene.fresh()
    node = scene[1]
    scene.load(node, count=150).wait(60)
    status = scene.status(node)
    scene.leave(node)
    used = status["log_bytes"] - status["log_bytes_free"]
    wal = f"{DIR}/wal"
    node.run(f"cp {wal} /tmp/whole")
    for part in (0, 0.5):
        at = (LOG_AREA + int(used * part)) // BLOCK
        node.run(f"dd if=/dev/urandom of={wal} bs={BLOCK} count=1 seek={at} conv=notrunc,fsync")
        node.run(f"cp {wal} /tmp/damaged")
        for more in ([], ["--salvage"]):
            refused = node.run(scene.start_line(node, *more), timeout=120, check=False)
            claim(refused.code == 1 and "is damaged" in refused.err,
                  f"it is refused as damaged, not {refused.code}: {refused.err.strip()!r}")
            claim(f"not started: the log is damaged (error -{errno.EUCLEAN})"
                  in node.run("dmesg").out, "the kernel log says EUCLEAN")
            claim(scene.status(node)["state"] == "stopped", "a group that was refused is stopped")
            # Of what is on the disk, too.
            node.run("sync; echo 3 > /proc/sys/vm/drop_caches")
            claim(node.run(f"cmp {wal} /tmp/damaged", check=False).code == 0,
                  "a log that was refused is changed")
        node.run(f"dd if=/tmp/whole of={wal} bs={BLOCK} count=1 skip={at} seek={at} "
                 "conv=notrunc,fsync")
    scene.join(node)
    scene.wait_leader()
    remark = scene.prove()
    scene.leave(node)
    node.run("rmmod raftlog; rm /tmp/whole /tmp/damaged")
    return remark


def test_lagging(scene):
    """With little memory: entries come from the disk, for readers and for those who lag."""
    scene.options = ["--cache", "256K"]
    try:
        scene.fresh()
    finally:
        scene.options = []
    leader, (away, stalled) = scene.followers()
    scene.leave(away)
    scene.load(leader, count=1500, threads=32).wait(120)
    scene.join(away, "--cache", "256K")
    scene.wait_equal()
    leader = scene.wait_leader()
    caught_up = int(leader.run("cat /sys/class/raftlog/raftlog/stats/catch_ups").out)
    claim(caught_up > 0, "the leader read nothing back from its disk")
    # Committed by the others, and neither in the log of this one nor all in its memory.
    stalled = next(node for node in scene if node is not leader)
    stalled.run(f"fsfreeze --freeze {DIR}")
    try:
        scene.load(leader, count=1500, threads=32).wait(120)
        last = scene.status(leader)["commit_index"]
        wait_until(lambda: scene.status(stalled)["commit_index"] >= last, 60,
                   "a member whose disk is stalled to know what is committed")
        claim(scene.status(stalled)["durable_index"] < last, "no disk is stalled")
        same = [node.run(f"raftctl read --to {last} --sum").out for node in (leader, stalled)]
        claim(same[0] == same[1], f"a member with a stalled disk reads {same[1]!r}")
    finally:
        stalled.run(f"fsfreeze --unfreeze {DIR}")
    proof = scene.prove()
    most = catch_up_after_a_restart(scene)
    return f"{caught_up} messages from the disk, {most >> 10} KiB of a log in memory; {proof}"


def test_passed_over(scene):
    """Behind entries of the group's own, which are on disk, comes one that is not yet."""
    scene.fresh()
    scene.load(scene[1], count=20).wait(60)
    for node in scene:
        scene.leave(node)
    scene.join_all()
    leader, (follower, _) = scene.followers()
    scene.wait_equal()
    # What the new leader began with is not in memory there.
    scene.leave(follower)
    scene.join(follower)
    scene.wait_equal()
    last = scene.status(follower)["commit_index"]
    follower.run(f"fsfreeze --freeze {DIR}")
    try:
        scene.append(leader, "behind")
        wait_until(lambda: scene.status(follower)["commit_index"] > last, 60,
                   "a member whose disk is stalled to know what is committed")
        claim(scene.status(follower)["durable_index"] <= last, "the disk is not stalled")
        # A plain read, from that index on: the device begins at 1.
        said = follower.run(f"dd if=/dev/raftlog iflag=skip_bytes skip={last - 1} bs=4096 count=1",
                            check=False)
        claim(said.out == "behind", f"it reads {said.out!r}, {said.err.strip()!r}")
    finally:
        follower.run(f"fsfreeze --unfreeze {DIR}")
    return scene.prove()


def catch_up_after_a_restart(scene):
    """Nobody knows what is committed before the last entry is there: what is on disk does not
    stay in memory for that."""
    leader, (away, other) = scene.followers()
    scene.leave(away)
    before = scene.status(leader)
    scene.load(leader, count=1500, largest=16384, threads=32).wait(120)
    after = scene.status(leader)
    for node in (leader, other):
        scene.leave(node)
    for node in (leader, away):
        scene.join(node, "--cache", "256K")
    scene.wait_equal([leader, away])
    most = int(away.run("cat /sys/class/raftlog/raftlog/cache_bytes").out)
    written = before["log_bytes_free"] - after["log_bytes_free"]
    claim(most < written // 2, f"{most} bytes of {written} that came are in memory")
    scene.join(other)
    scene.wait_equal()
    scene.prove()
    return most


def test_strangers(scene):
    """Datagrams of no member, and of one from another address than its own, change nothing."""
    scene.fresh()
    leader, (member, other) = scene.followers()
    dropped = [drops(node) for node in (leader, other)]
    for node in (leader, other):
        # A read request of TFTP: to these it is rubbish.
        member.start(f"tftp -g -r rubbish -l /dev/null {node.ip} {PORT}")
    wait_until(lambda: all(drops(node) > n for node, n in zip((leader, other), dropped)), 20,
               "rubbish to be dropped, and counted")
    # The same member, but its datagrams leave from another port.
    scene.leave(member)
    line = scene.start_line(member, "--advertise", scene.address(member))
    line[line.index("--listen") + 1] = f"{member.ip}:{PORT + 1}"
    member.run(line)
    # It asks for a key and for votes, again and again.
    wait_until(lambda: all(int(node.run("cat /sys/class/raftlog/raftlog/stats/drop_sender").out) > 5
                           for node in (leader, other)), 60, "what it sends to be dropped")
    for node in (leader, other):
        claim("its address is" in node.run("dmesg").out,
              f"{node} says that a member has another address")
    claim(scene.wait_leader([leader, other]) is leader, "it made a leader of another")
    member.run("killall -9 tftp", check=False)
    scene.leave(member)
    scene.join(member)
    for load in [scene.load(node, count=20) for node in scene]:
        load.wait(60)
    return scene.prove()


def drops(node):
    said = node.run("cat /sys/class/raftlog/raftlog/stats/drop_*").out
    return sum(int(word) for word in said.split())


def test_wiped(scene):
    """A member that lost its disk takes entries again, but elects nobody."""
    scene.fresh()
    for load in [scene.load(node, count=50) for node in scene]:
        load.wait(60)
    leader, (wiped, other) = scene.followers()
    scene.leave(wiped)
    wiped.run(f"rm {DIR}/wal")
    refused = wiped.run(scene.start_line(wiped), check=False)
    claim(refused.code == 1 and "there is no log" in refused.err,
          f"it does not begin anew unasked: {refused.err.strip()!r}")
    # Asked, which it should not be.
    wiped.formatted = False
    scene.join(wiped)
    scene.wait_equal()
    for node in (leader, wiped):
        foreign = node.run(f"cat /sys/class/raftlog/raftlog/peers/{wiped.id}/foreign").out
        claim(foreign == "1\n", f"{node} tells that {wiped} has another disk")
    # Not in order: then it would hand over before it goes.
    scene.kill(leader)
    asked = tx_messages(other)
    wait_until(lambda: tx_messages(other) >= asked + 12, 60, "more requests for votes")
    claim(not scene.leader_of([other, wiped]), "a vote of another disk made a leader")
    scene.revive(leader)
    scene.wait_leader()
    load = scene.load(wiped, count=20)
    load.wait(60)
    return scene.prove()


def test_power_cuts(scene):
    """The power of the leader, of a follower, of all fails again and again: nothing is lost."""
    scene.fresh()
    loads = {node.id: scene.load(node, largest=1 << 15) for node in scene}
    for turn in range(scene.cuts):
        before = {i: n_acknowledged(load) for i, load in loads.items()}
        wait_until(lambda: all(n_acknowledged(loads[i]) > n + 10 for i, n in before.items()), 60,
                   "writes that go on")
        leader, rest = scene.followers()
        victims = (list(scene), [leader], rest[:1])[turn % 3]
        scene.kill(*victims)
        scene.revive(*victims)
        scene.wait_leader()
        for node in victims:
            loads[node.id] = scene.load(node, largest=1 << 15)
        if scene.is_nearly_full():
            scene.begin_anew(loads.values())
            loads = {node.id: scene.load(node, largest=1 << 15) for node in scene}
    said = scene.prove_all(loads.values())
    sectors = (sum(node.cache.lost for node in scene), sum(node.cache.kept for node in scene))
    return f"{scene.cuts} cuts, {sectors[0]} sectors lost, {sectors[1]} kept; {said}"


def test_disk_error(scene):
    """The disk of the leader, then a follower's, takes nothing more: that node is out, all goes on."""
    scene.fresh()
    for turn in range(2):
        leader, rest = scene.followers()
        node = (leader, rest[0])[turn]
        others = [other for other in scene if other is not node]
        loads = {other.id: scene.load(other) for other in scene}
        scene.wait_acknowledged(loads.values(), 20)
        node.cache.fail_writes(True)
        wait_until(lambda node=node: (scene.status(node) or {}).get("state") == "failed", 60,
                   "a node whose disk fails to say so")
        # It may work again, but what it holds is not known.
        node.cache.fail_writes(False)
        written = node.cache.written
        scene.wait_leader(others)
        loads[node.id].wait(60, check=False)
        claim(any(line.errno == errno.EIO for line in lines_of(loads[node.id])),
              f"a write to {node} fails with EIO")
        done = {other.id: n_acknowledged(loads[other.id]) for other in others}
        wait_until(lambda others=others, loads=loads, done=done: all(
            n_acknowledged(loads[other.id]) > done[other.id] + 20 for other in others), 60,
            "writes that go on")
        claim(node.cache.written == written, f"{node} goes on writing to a disk that failed")
        failure = scene.status(node)["failure"]
        claim("write" in failure, f"{node} tells why it failed, not {failure!r}")
        scene.end_loads(loads.values())
        scene.prove(others)
        scene.leave(node)
        scene.join(node)
        remark = scene.prove()
    return remark


def load_for(scene):
    """A load that the kernel of the guests bears for as long as a test takes."""
    return scene.load if scene.kernel_kind == "stock" else functools.partial(gentle_load, scene)


def test_chaos(scene):
    """Crashes, restarts, partitions and a bad network at random, under load."""
    scene.fresh()
    load = load_for(scene)
    loads = {node.id: load(node) for node in scene}
    done = {}
    until = time.monotonic() + scene.seconds
    while time.monotonic() < until:
        action = scene.random.choice([crash_one, crash_all, restart_one, wipe_one, cut_leader_off,
                                      cut_one_way, disturb])
        done[action.__name__] = done.get(action.__name__, 0) + 1
        for node in action(scene):
            loads[node.id].wait_ended()
            loads[node.id] = load(node)
        time.sleep(scene.random.uniform(0, 2))
        scene.heal()
        for node in scene:
            node.netem()
        scene.wait_leader()
        before = {i: n_acknowledged(load) for i, load in loads.items()}
        wait_until(lambda before=before: any(n_acknowledged(loads[i]) > n
                                             for i, n in before.items()), 60, "writes that go on")
        if scene.is_nearly_full():
            scene.begin_anew(loads.values())
            loads = {node.id: load(node) for node in scene}
    said = ", ".join(f"{name} {n}" for name, n in sorted(done.items()))
    return f"{said}; {scene.prove_all(loads.values())}"


def crash_one(scene):
    node = scene.random.choice(list(scene))
    scene.kill(node)
    scene.revive(node)
    return [node]


def crash_all(scene):
    scene.kill(*scene)
    scene.revive(*scene)
    return list(scene)


def restart_one(scene):
    node = scene.random.choice(list(scene))
    scene.leave(node)
    scene.join(node)
    return [node]


def wipe_one(scene):
    """Its disk is gone: it comes back with an empty one, and gets its vote back."""
    node = scene.random.choice(list(scene))
    scene.leave(node)
    node.run(f"rm {DIR}/wal")
    node.formatted = False
    scene.join(node)
    scene.change_members("demote", node.member, "--auto-promote")
    # It gets all entries first.
    scene.wait_members(scene.members, timeout=180)
    return [node]


def cut_leader_off(scene):
    scene.isolate(scene.wait_leader().id)
    return []


def cut_one_way(scene):
    node, other = scene.random.sample(list(scene), 2)
    scene.cut(node.id, other.id, both=False)
    return []


def disturb(scene):
    for node in scene:
        node.netem("delay", "5ms", "5ms", "loss", "10%", "reorder", "25%", "duplicate", "5%",
                   "corrupt", "2%")
    return []


def test_netem(scene):
    """5 % loss, reordering and duplication: slower, never wrong."""
    scene.fresh()
    for node in scene:
        node.netem("delay", "3ms", "2ms", "loss", "5%", "reorder", "25%", "50%",
                   "duplicate", "2%")
    began = time.monotonic()
    loads = [scene.load(node, count=300, threads=8, largest=1 << 16) for node in scene]
    for load in loads:
        load.wait(180)
    took = time.monotonic() - began
    remark = scene.prove()
    for node in scene:
        node.netem()
    return f"{remark} in {took:.0f} s"


def test_hibernated(scene):
    """A group ends before the machine hibernates: what is in memory comes twice then."""
    scene.fresh()
    node = scene[1]
    scene.load(node, count=20).wait(60)
    # All but the image: processes are frozen for five seconds, then thawed.
    node.run("echo freezer > /sys/power/pm_test; echo disk > /sys/power/state", timeout=120)
    claim(scene.status(node)["state"] == "stopped", "it was not stopped")
    claim("hibernates, and it ends" in node.run("dmesg").out, "the kernel log does not say why")
    node.run("echo none > /sys/power/pm_test")
    scene.join(node)
    scene.wait_leader()
    remark = scene.prove()
    scene.leave(node)
    node.run("rmmod raftlog")
    return remark


def test_forked(scene):
    """A guest that goes on from a snapshot of its memory says nothing any more until it is
    started again; one that was only moved does."""
    scene.fresh()
    leader, _ = scene.followers()
    scene.load(leader, count=20).wait(60)
    memory = leader.suspend()
    leader.boot(memory)
    leader.wait_ready()
    # It fails if it ever does in the time that this takes.
    scene.wait_equal()
    claim(scene.status(leader)["state"] == "running", "it does not go on where it was moved")

    leader, (other, _) = scene.followers()
    memory = leader.suspend()
    leader.generation = uuid.uuid4()
    leader.boot(memory)
    leader.wait_ready()
    wait_until(lambda: (scene.status(leader) or {}).get("state") == "failed", 60,
               "its group to fail")
    failure = scene.status(leader)["failure"]
    claim("snapshot of its memory" in failure, f"it tells why it failed, not {failure!r}")
    sent = tx_messages(leader)
    scene.load(other, count=20, timeout_ms=30000).wait(120)
    claim(tx_messages(leader) == sent, f"it sent {tx_messages(leader) - sent} datagrams")
    scene.leave(leader)
    scene.join(leader)
    scene.wait_equal()
    return scene.prove()


def test_reload(scene):
    """rmmod 20 times in a row under load and restart; refused while somebody has it open."""
    scene.fresh()
    nodes = list(scene)
    claim(nodes[0].run("rmmod raftlog < /dev/raftlog", check=False).code != 0,
          "rmmod of a module in use was not refused")
    load = load_for(scene)
    loads = {node.id: load(node, timeout_ms=5000) for node in nodes}
    for turn in range(RELOADS):
        node = nodes[turn % len(nodes)]
        scene.wait_acknowledged([loads[node.id]], 3)
        scene.leave(node)
        loads[node.id].wait(30, check=False)
        node.run("rmmod raftlog")
        scene.join(node)
        loads[node.id] = load(node, timeout_ms=5000)
    scene.end_loads(loads.values())
    return scene.prove()


def test_five(scene):
    """Five nodes over IPv6: two killed, on; a third, refused; back again, resumed."""
    scene.fresh()
    leader, rest = scene.followers()
    scene.kill(leader, rest[0])
    scene.wait_leader()
    load = scene.load(rest[1], count=50)
    load.wait(60)
    scene.kill(rest[1])
    refusing = scene.load(rest[2], threads=1, timeout_ms=1000)
    wait_until(lambda: any(line.errno == errno.EHOSTUNREACH for line in lines_of(refusing)), 30,
               "a write refused with EHOSTUNREACH")
    scene.end_loads([refusing])
    said = rest[2].run("raftctl append --timeout 1 nobody", check=False)
    claim(said.code == 3, f"raftctl says that it is not in the log: {said.err.strip()!r}")
    claim(rest[2].run("raftctl status", check=False).code == 2,
          "raftctl status fails without a leader")
    scene.revive(rest[1])
    scene.wait_leader()
    load = scene.load(rest[3], count=50)
    load.wait(60)
    scene.revive(leader, rest[0])
    return scene.prove()


def test_starved(scene):
    """All user space of the leader stopped, and hogs at nice -20: it leads on for 60 s."""
    scene.fresh()
    leader, rest = scene.followers()
    # Something to stop.
    leader.start("raftctl read --follow > /dev/null")
    leader.start("raftctl events --follow > /dev/null")
    before = scene.status(leader)
    leader.run("kill -STOP -1", probe=True)
    hogs = [leader.start("renice -n -20 -p $$ && while :; do :; done") for _ in range(2)]
    idle = idle_seconds(leader)
    loads = [scene.load(rest[0], seconds=HOLD_SECONDS, largest=1024)]
    until = time.monotonic() + HOLD_SECONDS
    while time.monotonic() < until:
        role = leader.run("cat /sys/class/raftlog/raftlog/role "
                          "/sys/class/raftlog/raftlog/current_term", probe=True).out.split()
        claim(role == ["leader", str(before["current_term"])],
              f"it leads on in term {before['current_term']}, not {role}")
        time.sleep(1)
    for load in loads:
        load.wait(30)
    gap = max(longest_gap_ms(load) for load in loads)
    idle = idle_seconds(leader) - idle
    claim(all(hog.running() for hog in hogs) and idle < HOLD_SECONDS / 10,
          f"nothing is starved: idle for {idle:.0f} s")
    leader.run("killall -9 sh; kill -CONT -1", probe=True, check=False)
    remark = scene.prove()
    return f"{HOLD_SECONDS} s in term {before['current_term']}, longest pause {gap} ms; {remark}"


def idle_seconds(node):
    """Of its only processor, in hundredths in /proc/stat."""
    return int(node.run("cat /proc/stat", probe=True).out.split()[4]) / 100


def test_block_device(scene):
    """The log on a whole block device, through a kill."""
    scene.fresh()
    for load in [scene.load(node, count=100) for node in scene]:
        load.wait(60)
    node = scene.wait_leader()
    scene.kill(node)
    scene.revive(node)
    return scene.prove()


def test_bad_input(scene):
    """Every wrong request gets the errno that the header names, and loses nothing."""
    node = scene[1]
    node.run(f"insmod {MODULE} groups=2")
    result = node.run(f"badinput {DIR}", timeout=180, check=False)
    lines = result.out.splitlines()
    failed = [line for line in lines if line.startswith("not ok")]
    claim(result.code == 0 and lines,
          "\n#     ".join([f"{len(failed)} of {len(lines)}"] + failed + [result.err.strip()]))
    node.run("rmmod raftlog")
    # Nothing keeps a file open any more.
    node.run(f"umount {DIR} && mount -o noatime /dev/vda {DIR}")
    return f"{len(lines)} cases"


def test_settings(scene):
    """Timeouts changed on each node under load: nobody loses its lead, sysfs tells, refused whole."""
    scene.fresh()
    leader = scene.wait_leader()
    before = scene.status(leader)
    loads = [scene.load(node) for node in scene]
    scene.wait_acknowledged(loads, 20)
    for wanted in ("election-timeout=1500 heartbeat=100", "election-timeout=800 heartbeat=60",
                   "election-timeout=500 heartbeat=0"):
        for node in scene:
            node.run(f"raftctl set {wanted} cache=1M")
            told = node.run("cd /sys/class/raftlog/raftlog && cat election_timeout_ms "
                            "heartbeat_interval_ms cache_bytes_max").out.split()
            numbers = re.findall(r"=(\d+)", wanted)
            claim(told == [numbers[0], numbers[1].replace("0", "50", 1) if numbers[1] == "0"
                           else numbers[1], str(1 << 20)], f"sysfs tells {told} after {wanted}")
            done = [n_acknowledged(load) for load in loads]
            wait_until(lambda done=done: all(n_acknowledged(load) > n + 3
                                             for load, n in zip(loads, done)), 60,
                       "writes that go on")
    refused = leader.run("raftctl set append-timeout=1 heartbeat=251", check=False)
    claim(refused.code == 1, "a heartbeat of more than half of the timeout is not refused")
    told = leader.run("cat /sys/class/raftlog/raftlog/append_timeout_ms").out
    claim(told == "10000\n", f"what was refused changed append_timeout_ms to {told}")
    after = scene.status(leader)
    claim((after["role"], after["current_term"]) == ("leader", before["current_term"]),
          f"the leader of term {before['current_term']} is {after['role']} in "
          f"{after['current_term']}")
    scene.end_loads(loads)
    return scene.prove()


def test_async(scene):
    """Thousands of appends in flight from one thread: cancelled, closed, left behind, stopped."""
    node = scene[1]
    node.run(f"insmod {MODULE}; mount /dev/vda {DIR} 2> /dev/null || true")
    divisor = 1 if scene.kernel_kind == "stock" else 40
    result = node.run(f"async {DIR} {divisor}", timeout=900, check=False)
    lines = result.out.splitlines()
    failed = [line for line in lines if line.startswith("not ok")]
    claim(result.code == 0 and lines,
          "\n#     ".join([f"{len(failed)} of {len(lines)}"] + failed + [result.err.strip()]))
    node.run("rmmod raftlog")
    claim_no_leak(node)
    return f"{len(lines)} cases"


def bench(node, group, *more):
    return json.loads(node.run(["raftctl", "-g", str(group), "--json", "bench", "--warmup", "0",
                                *more], timeout=120, check=False).out)


def seconds_of_appends(node, group, count):
    """Guest's seconds for so many appends, one after the other."""
    said = node.run(f"cut -d' ' -f1 /proc/uptime; seq {count} | raftctl -g {group} append -q -; "
                    "cut -d' ' -f1 /proc/uptime", timeout=120).out.split()
    return float(said[-1]) - float(said[0])


def test_groups(scene):
    """Groups of one machine: a disk that stands still and a full log hold up no other group."""
    node = scene[1]
    node.run(f"insmod {MODULE} groups=3")
    install_key(node)

    def start(group, *log):
        node.run(["raftctl", "-g", str(group), "start", "--id", "1", "--listen",
                  f"127.0.0.1:{PORT + group}", *scene.security, *log], timeout=120)
        node.run(f"raftctl -g {group} wait --leader --timeout 30")
    start(0, "--dir", DIR, "--size", "32M", "--format")
    start(1, "--wal", "/dev/ram0", "--format", "--force")
    start(2, "--wal", "/dev/ram1", "--format", "--force")
    full = bench(node, 2, "--size", "64K", "--async", "64", "--seconds", "10")
    claim("ENOSPC" in full["errors"], f"the log of group 2 is full: {full['errors']}")
    alone = seconds_of_appends(node, 1, APPENDS)
    term = node.run("cat /sys/class/raftlog/raftlog1/current_term").out
    node.run(f"fsfreeze --freeze {DIR}")
    try:
        stalled = node.start("raftctl bench --async 4096 --warmup 0 --seconds 8 --json")
        refused = node.start("raftctl -g 2 bench --size 64K --warmup 0 --seconds 8 --json")
        wait_until(lambda: (scene.status(node) or {}).get("n_pending", 0) >= 4096, 20,
                   "writes that wait for the disk of group 0")
        beside = seconds_of_appends(node, 1, APPENDS)
        claim(stalled.running(), "group 0 was not stalled all the time")
        stop = node.start("raftctl stop")
        # Neither does a stop that waits for its disk.
        node.run("raftctl -g 1 append beside-a-stop", timeout=20)
        node.run("raftctl -g 2 stop && raftctl -g 1 status", timeout=20)
        claim(stop.running(), "group 0 did not wait for its disk")
    finally:
        node.run(f"fsfreeze --unfreeze {DIR}")
    for command in (stop, stalled, refused):
        command.wait_ended(60)
    # They share one processor, and nothing else.
    claim(beside < 4 * alone + 1, f"{APPENDS} appends took {beside:.1f} s, alone {alone:.1f} s")
    claim(node.run("cat /sys/class/raftlog/raftlog1/current_term").out == term,
          "group 1 held an election")
    node.run("raftctl -g 1 stop; rmmod raftlog")
    return f"{APPENDS} appends in {alone:.2f} s alone, in {beside:.2f} s beside the others"


def sample(node, name):
    return int(node.run(f"cat /sys/module/raftlog_sample/parameters/{name}").out)


def test_kernel_api(scene):
    """A client in the kernel appends and is handed all in order, over stops; gone in mid-flight."""
    node = scene[1]
    node.run(f"insmod {MODULE}; mount -t ext4 /dev/vda {DIR} 2> /dev/null || true")
    node.run(f"rm -f {DIR}/wal {DIR}/snap.*")
    install_key(node)
    start = (f"raftctl start --key {KEY} --id 1 --listen 127.0.0.1:{PORT} --dir {DIR} --size 64M "
             "--election-timeout 3000 --append-timeout 60000")
    # It comes before the group is started.
    node.run(f"insmod {SAMPLE} count=3000")
    node.run(f"{start} --format", timeout=120)
    wait_until(lambda: sample(node, "appended") == 3000 and sample(node, "delivered") == 3000,
               60, "3000 entries of a client in the kernel to be committed and handed over")
    node.run("raftctl append from-user-space", timeout=30)
    wait_until(lambda: sample(node, "delivered") == 3001, 20, "what others append to be handed over")
    claim(int(node.run("raftctl read --lines | sort | uniq | wc -l").out) == 3001,
          "each of its entries is in the log once")
    claim(node.run("rmmod raftlog", check=False).code != 0, "rmmod under a client was not refused")
    node.run("rmmod raftlog_sample")

    # Stopped in mid-flight, and started again: it goes on where it was.
    node.run(f"insmod {SAMPLE} count=100000000 depth=150")
    for _ in range(3):
        before = sample(node, "appended")
        wait_until(lambda before=before: sample(node, "appended") > before + 200, 60,
                   "appends that go on")
        ended = sample(node, "unknown")
        node.run(f"fsfreeze --freeze {DIR}")
        try:
            wait_until(lambda: (scene.status(node) or {}).get("n_pending", 0) > 100, 20,
                       "appends under way")
            # It waits for the disk; those who wait for the group do not.
            stop = node.start("raftctl stop")
            wait_until(lambda ended=ended: sample(node, "unknown") > ended + 50, 20,
                       "appends under way to end with the group")
        finally:
            node.run(f"fsfreeze --unfreeze {DIR}")
        stop.wait(60)
        node.run(start, timeout=120)
    before = sample(node, "delivered")
    wait_until(lambda: sample(node, "delivered") > before + 200, 120, "entries handed over")
    claim(sample(node, "disorder") == 0, "entries were handed over twice, or in disorder")
    # Unloaded in mid-flight, with a disk that stands still.
    node.run(f"fsfreeze --freeze {DIR}")
    try:
        wait_until(lambda: (scene.status(node) or {}).get("n_pending", 0) > 100, 20,
                   "appends under way")
        node.run("rmmod raftlog_sample", timeout=20)
        wait_until(lambda: (scene.status(node) or {}).get("n_pending") == 0, 20,
                   "appends of a client that is gone to end")
    finally:
        node.run(f"fsfreeze --unfreeze {DIR}")
    node.run("raftctl wait --leader --timeout 30 && raftctl append done", timeout=60)
    node.run("raftctl stop; rmmod raftlog")
    claim_no_leak(node)
    return f"{before} entries handed over, in order"


def claim_no_leak(node):
    """Nothing of the module, which is unloaded, is left, as far as this kernel can tell."""
    if finds_leaks(node):
        node.run("echo scan > /sys/kernel/debug/kmemleak; sleep 6; "
                 "echo scan > /sys/kernel/debug/kmemleak", timeout=120)
        leaks = node.run("cat /sys/kernel/debug/kmemleak").out
        claim("raftlog" not in leaks, f"n{node.id} leaks:\n{leaks[:2000]}")


def finds_leaks(node):
    return node.run("test -e /sys/kernel/debug/kmemleak", check=False).code == 0


def test_kmemleak(scene):
    """20 loads and unloads on a kernel that finds leaks, races of locks and bad accesses."""
    remark = test_reload(scene)
    for node in scene:
        node.run("raftctl stop; rmmod raftlog")
        claim(finds_leaks(node), "this kernel finds no leaks")
        claim_no_leak(node)
    return remark


def test_kunit(scene):
    """The KUnit suites as modules, on the debug kernel."""
    node = scene[1]
    for module in KUNIT_MODULES:
        node.run(f"insmod {module}", timeout=900)
    said = node.run("dmesg").out
    cases = re.findall(r"\]\s+(ok|not ok) \d+ (?:- )?(\S+)", said)
    failed = [name for outcome, name in cases if outcome != "ok"]
    claim(cases and not failed, f"{len(failed)} of {len(cases)} failed: {failed}")
    return f"{len(cases)} cases and suites"


FAILPOINTS = "/sys/kernel/debug/raftlog/failpoints"
# They end the group, or its start: once is enough.
FATAL = ("storage.write_error", "storage.write_torn")
AT_START = ("storage.read_error", "storage.read_lost", "storage.read_rot")
# One that nothing reaches in this time, but an election may.
FIRE_SECONDS = 3


def on_all(nodes, line):
    """What the nodes say to the same command, at the same time."""
    return [command.wait(60).out for command in [node.start(line) for node in nodes]]


def fired(nodes, name):
    return sum(map(int, on_all(nodes, f"cat {FAILPOINTS}/{name}/fired")))


def arm(nodes, name, probability, times=-1):
    on_all(nodes, f"cd {FAILPOINTS}/{name} && echo 20 > delay_ms && echo {times} > times && "
           f"echo {probability} > probability")


def start_again(scene, node):
    """After a failure, or one at start: as often as an administrator would."""
    node.run("raftctl stop", check=False)
    wait_until(lambda: node.run(scene.start_line(node), timeout=120, check=False).code == 0, 60,
               f"n{node.id} started")


def gentle_load(scene, node, **how):
    """One that leaves an emulated guest with a debug kernel time for commands: they wait
    for the module's real-time threads."""
    return scene.load(node, largest=1 << 15, threads=2, pause_ms=100, **how)


def provoke(scene, name):
    """Let a failpoint fire that fires by itself under load, or under an election."""
    arm(scene, name, 20)
    for _ in range(20):
        try:
            wait_until(lambda: fired(scene, name) > 2, FIRE_SECONDS, "to fire", interval=0.1)
            break
        except ClusterError:
            scene.isolate(scene.wait_leader().id)
            wait_until(lambda: scene.leader_of(list(scene)), 60, "another leader")
            scene.heal()
            # An election passes few of them, and only so often.
            arm(scene, name, 50)
    claim(fired(scene, name), f"failpoint {name} never fired")
    arm(scene, name, 0)


def provoke_failure(scene, name):
    """The group stops itself when a write fails, and the others go on."""
    node = scene.wait_leader()
    arm([node], name, 100, times=1)
    wait_until(lambda: (scene.status(node) or {}).get("state") == "failed", 60,
               f"the group failed for {name}")
    arm([node], name, 0)
    scene.wait_leader([other for other in scene if other is not node])
    start_again(scene, node)
    return node


def provoke_at_start(scene, name):
    """What cannot be read at the start is said, or made up for by the others."""
    _, rest = scene.followers()
    node = rest[0]
    scene.leave(node)
    arm([node], name, 100, times=1)
    node.run(scene.start_line(node), timeout=120, check=False)
    claim(fired([node], name), f"failpoint {name} never fired")
    arm([node], name, 0)
    start_again(scene, node)
    if name == "storage.read_lost":
        read_what_is_lost(scene, node, name)
    return node


def read_what_is_lost(scene, node, name):
    """That a device lost a block is not that the entry went, which readers pass over."""
    last = int(scene.status(node)["commit_index"])
    arm([node], name, 100)
    result = node.run("raftctl read --internal --from 1 --count 1", check=False)
    arm([node], name, 0)
    claim(result.code and "cannot be read" in result.err,
          f"entry 1 of {last} cannot be read, and is told as {result.err!r}, {result.out!r}")
    claim(scene.status(node)["state"] == "running", "one that cannot be read ends the group")


def test_failpoints(scene):
    """Each failpoint of the module fires under load: nothing is lost, nothing stays behind."""
    scene.fresh()
    loads = {node.id: gentle_load(scene, node) for node in scene}
    names = scene[1].run(f"ls {FAILPOINTS}").out.split()
    took = {}
    for name in names:
        began = time.monotonic()
        scene.say(f"failpoint {name}")
        node = None
        if name in FATAL:
            node = provoke_failure(scene, name)
        elif name in AT_START:
            node = provoke_at_start(scene, name)
        else:
            provoke(scene, name)
        if node:
            loads[node.id].wait_ended()
            loads[node.id] = gentle_load(scene, node)
        scene.wait_leader()
        before = n_acknowledged(loads[1])
        wait_until(lambda before=before: n_acknowledged(loads[1]) > before + 3, 60,
                   f"writes that go on after {name}")
        if scene.is_nearly_full() and name is not names[-1]:
            scene.end_loads(loads.values())
            scene.prove()
            scene.fresh()
            loads = {node.id: gentle_load(scene, node) for node in scene}
        took[name] = time.monotonic() - began
    scene.end_loads(loads.values())
    slowest = ", ".join(f"{name} {took[name]:.0f} s"
                        for name in sorted(took, key=took.get, reverse=True)[:4])
    return f"{len(names)} failpoints, slowest {slowest}; {scene.prove()}"


def test_failing_calls(scene):
    """Every call of the module with each allocation and copy in it failing once."""
    node = scene[1]
    scene.lacks_memory = True
    node.run(f"insmod {MODULE}")
    result = node.run(f"failnth {DIR} {MODULE}", timeout=1800, check=False)
    lines = result.out.splitlines()
    failed = [line for line in lines if line.startswith("not ok")]
    claim(result.code == 0 and lines,
          "\n#     ".join([f"{len(failed)} of {len(lines)}"] + failed + [result.err.strip()]))
    node.run("rmmod raftlog")
    n = sum(int(line.split(": ")[1].split()[0]) for line in lines)
    return f"{len(lines)} calls, {n} failures"


# Far more than a test can see.
FAILURES_MAX = 1_000_000


def fail_memory(node, probability):
    """Allocations fail in the threads of the group that runs now."""
    node.run(f"""
        for comm in $(grep -ls '^raftlog-' /proc/[0-9]*/comm); do
            echo 1 > ${{comm%comm}}make-it-fail
        done
        for kind in failslab fail_page_alloc; do
            cd /sys/kernel/debug/$kind
            echo 0 > verbose
            echo N > ignore-gfp-wait
            echo Y > task-filter
            [ $kind = failslab ] || echo 0 > min-order
            echo {FAILURES_MAX} > times
            echo {probability} > probability
        done""")


def memory_failures(node):
    left = node.run("cat /sys/kernel/debug/failslab/times "
                    "/sys/kernel/debug/fail_page_alloc/times").out.split()
    return sum(FAILURES_MAX - int(n) for n in left)


def test_failing_threads(scene):
    """Memory runs out in the module's own threads, again and again: nothing is lost."""
    scene.fresh()
    scene.lacks_memory = True
    loads = {node.id: gentle_load(scene, node) for node in scene}
    failures = 0
    for node in scene:
        fail_memory(node, 5)
        until = time.monotonic() + 60
        while memory_failures(node) < 300 and time.monotonic() < until:
            time.sleep(0.5)
            if (scene.status(node) or {}).get("state") == "failed":
                failures += memory_failures(node)
                fail_memory(node, 0)
                start_again(scene, node)
                fail_memory(node, 5)
            if not loads[node.id].running():
                loads[node.id] = gentle_load(scene, node)
        failures += memory_failures(node)
        fail_memory(node, 0)
        if (scene.status(node) or {}).get("state") != "running":
            start_again(scene, node)
        scene.wait_leader()
        scene.end_loads([loads[node.id]])
        loads[node.id] = gentle_load(scene, node)
        scene.wait_acknowledged([loads[node.id]], 3)
    claim(failures > 300, f"only {failures} allocations failed")
    scene.end_loads(loads.values())
    return f"{failures} allocations failed; {scene.prove()}"
