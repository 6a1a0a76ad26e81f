# SPDX-License-Identifier: GPL-2.0
"""The cluster tests of members that change. Each takes a scene and returns a remark, or raises."""

import json

from cluster import DIR, PORT, wait_until
from raftlog import MODULE, install_key
from scene import claim, lines_of, n_acknowledged

SYSFS = "/sys/class/raftlog/raftlog"
# Enough for every write to be tried again while another leader is found.
PATIENT_MS = 30000


def peer_dirs(node):
    return sorted(int(name) for name in node.run(f"ls {SYSFS}/peers").out.split())


def peer_file(node, member, name):
    return (node.try_run(f"cat {SYSFS}/peers/{member}/{name}") or "").strip()


def start_new(node, answer):
    """Run on a new guest what raftctl members said is to be run there."""
    node.run(f"grep -q '^raftlog ' /proc/modules || insmod {MODULE}")
    install_key(node)
    command, = [entry["command"] for entry in answer["start"] if entry["id"] == node.member]
    node.run(command, timeout=120)


def n_membership_events(command):
    lines = bytes(command.out).decode().splitlines()
    return sum(json.loads(line)["type"] == "membership" for line in lines if line.endswith("}"))


def events_after(node, seq):
    said = node.run(["raftctl", "--json", "events", "--after", str(seq)]).out
    return [json.loads(line) for line in said.splitlines()]


def wait_writes(loads, n=20):
    """Each load goes on."""
    before = [n_acknowledged(load) for load in loads]
    wait_until(lambda: all(n_acknowledged(load) > count + n
                           for load, count in zip(loads, before)), 60, "writes that go on")


def newest_membership(node):
    return [event for event in events_after(node, 0) if event["type"] == "membership"][-1]


def test_members(scene):
    """A learner comes, catches up and gets a vote; a follower is removed, then the leader."""
    scene.fresh()
    leader, (follower, other) = scene.followers()
    new = next(node for node in scene if node.member not in scene.members)
    loads = {node: scene.load(node, threads=1) for node in (leader, follower, other)}
    scene.wait_acknowledged(loads.values(), 50)
    watching = other.start("raftctl --json events --follow")

    answer = scene.change_members("add", f"{new.member}={scene.address(new)}")
    scene.wait_members([1, 2, 3], [new.member], [leader, follower, other])
    for node in scene.up():
        wait_until(lambda node=node: peer_file(node, new.member, "kind") == "learner", 10,
                   f"sysfs of {node} to tell of a new learner")
    refused = scene.wait_leader().run(f"raftctl members promote {new.member}", check=False)
    claim(refused.code == 1 and "not caught up" in refused.err,
          f"a learner that is not there gets no vote: {refused.err.strip()!r}")
    start_new(new, answer)
    wait_until(lambda: any(peer_file(node, new.member, "caught_up") == "1" for node in scene.up()),
               60, "the learner to catch up")
    wait_until(lambda: scene.status(new)["role"] == "learner" and peer_dirs(new) == [1, 2, 3, 4],
               30, "the learner to know what it is")
    scene.change_members("promote", new.member)
    scene.members = [1, 2, 3, new.member]
    scene.wait_members(scene.members)
    wait_until(lambda: scene.status(new)["role"] == "follower", 30, "the learner to follow")
    loads[new] = scene.load(new, threads=1)

    scene.change_members("remove", follower.member)
    scene.members.remove(follower.member)
    scene.wait_members(scene.members)
    for node in scene.up():
        wait_until(lambda node=node: newest_membership(node)["commit_index"] >=
                   scene.status(node)["configuration_index"], 10,
                   f"an event of {node} to tell that the change has ended")
    for node in scene.up():
        wait_until(lambda node=node: peer_dirs(node) == scene.members, 10,
                   f"the directories of {node} to follow")
    # It asks for votes, or has nobody to ask: nobody minds.
    marks = {node: scene.status(node) for node in scene.up()}
    wait_writes([load for node, load in loads.items() if node is not follower])
    now = scene.status(scene.wait_leader())
    told = [event for node, mark in marks.items()
            for event in events_after(node, mark["event_seq"]) if event["type"] == "role"]
    # On a slow host one of the others may have missed a heartbeat, or its disk stands still.
    own = [event for event in told if event["reason"] in ("election_timeout", "disk_stalled",
                                                          "quorum_lost")]
    claim(now["current_term"] == max(mark["current_term"] for mark in marks.values()) or own,
          f"a member that was removed disrupts the others: {told}")
    scene.end_loads([loads[follower]])
    scene.leave(follower)

    leader = scene.wait_leader()
    scene.change_members("remove", leader.member)
    scene.members.remove(leader.member)
    successor = scene.wait_leader()
    scene.wait_members(scene.members)
    status = scene.status(leader)
    claim(status["role"] != "leader", "a leader that was removed leads on")
    wait_writes([loads[node] for node in scene.up()])
    scene.end_loads(loads.values())
    wait_until(lambda: n_membership_events(watching) >= 4, 20, "four events of the membership")
    watching.signal()
    remark = scene.prove()
    return f"{leader} to {successor}, {n_membership_events(watching)} events; {remark}"


def test_moved(scene):
    """A follower, then the leader, comes back at another address, under load."""
    scene.fresh()
    leader, (follower, other) = scene.followers()
    load = scene.load(other, threads=1, timeout_ms=PATIENT_MS)
    scene.wait_acknowledged([load], 20)
    for node in (follower, leader):
        scene.leave(node)
        rest = [guest for guest in scene.up() if guest is not node]
        scene.wait_leader(rest)
        scene.rename(node, node.member, PORT + 1)
        scene.change_members("set-address", f"{node.member}={scene.address(node)}")
        node.run(["raftctl", "start", "--id", str(node.member), "--dir", DIR,
                  "--listen", scene.address(node), *scene.security])
        for guest in scene.up():
            wait_until(lambda guest=guest: peer_file(guest, node.member, "address") ==
                       scene.address(node), 30, f"{guest} to know where {node} is")
        wait_writes([load])
    scene.end_loads([load])
    failed = [line for line in lines_of(load) if line.outcome != "A"]
    claim(not failed, f"{len(failed)} appends failed, the first with errno {failed and failed[0].errno}")
    # Their addresses are in the log: they need not be told again.
    scene.leave(follower)
    follower.run(["raftctl", "start", "--id", str(follower.member), "--dir", DIR,
                  *scene.security])
    claim(follower.run(f"cat {SYSFS}/listen").out.strip() == scene.address(follower),
          "a member listens where its log says")
    return scene.prove()


def test_rolling_replacement(scene):
    """Five members, each replaced by a new one under load: no append fails."""
    scene.fresh()
    loads = {node: scene.load(node, threads=1, timeout_ms=PATIENT_MS) for node in scene.up()}
    scene.wait_acknowledged(loads.values(), 20)
    free = next(node for node in scene if node.member not in scene.members)
    done = []
    leaders = 0
    for old_member in list(scene.first_members):
        old = scene.guest_of(old_member)
        scene.rename(free, old_member + len(scene.first_members), PORT + 1)
        # What it has begun is answered; where the others write goes on.
        scene.end_loads([loads[old]])
        done.append(loads.pop(old))
        leaders += scene.wait_leader() is old
        answer = scene.change_members("replace", old_member,
                                      f"{free.member}={scene.address(free)}")
        start_new(free, answer)
        members = sorted(set(scene.members) - {old_member} | {free.member})
        rest = [scene.guest_of(i) for i in members]
        scene.wait_members(members, nodes=rest, timeout=120)
        scene.members = members
        loads[free] = scene.load(free, threads=1, timeout_ms=PATIENT_MS)
        wait_writes(loads.values(), 5)
        scene.leave(old)
        old.run(f"rm {DIR}/wal")
        free = old
    scene.end_loads(loads.values())
    failed = [line for load in done + list(loads.values()) for line in lines_of(load)
              if line.outcome != "A"]
    remark = scene.prove()
    claim(not failed, f"{len(failed)} appends failed, the first with errno {failed and failed[0].errno}")
    for node in scene.up():
        claim(peer_dirs(node) == [6, 7, 8, 9, 10],
              f"the members of {node} in sysfs are {peer_dirs(node)}")
    return f"{leaders} of them led; {remark}"


def start_joining(scene, node):
    """Start a member with an empty log; first where nobody reaches it, and with the members
    of the beginning, which such a log does not take."""
    line = ["raftctl", "start", "--join", "--cluster-id",
            scene.status(scene.wait_leader())["cluster_id"], "--id", str(node.member),
            "--listen", scene.address(node), "--dir", DIR, "--size", scene.size,
            *scene.security, *scene.options]
    scene.isolate(node.id)
    node.run(line, timeout=120)
    scene.leave(node)
    refused = node.run(scene.start_line(node), check=False, timeout=120)
    claim(refused.code == 1 and "holds no log" in refused.err,
          f"a log that waits begins no cluster: {refused.err.strip()!r}")
    scene.heal()
    node.run(line, timeout=120)


def test_readmit(scene):
    """A member comes back with an empty disk: it waits for what the others have, counts as
    down until it is demoted, and gets its vote back by itself."""
    scene.fresh()
    load = scene.load(scene.wait_leader(), threads=1)
    scene.wait_acknowledged([load], 50)
    leader, (wiped, other) = scene.followers()
    scene.leave(wiped)
    wiped.run(f"rm {DIR}/wal")
    start_joining(scene, wiped)
    wait_until(lambda: scene.peers(leader)[wiped.member]["foreign"], 60,
               "the leader to see another disk")
    scene.leave(other)
    wait_until(lambda: scene.status(leader)["role"] != "leader", 60,
               "no majority without the disk that is gone")
    scene.join(other)
    scene.wait_leader()
    scene.change_members("demote", wiped.member, "--auto-promote")
    scene.wait_members(scene.members)
    leader = scene.wait_leader()
    for node in (leader, wiped):
        wait_until(lambda node=node: peer_file(node, wiped.member, "foreign") == "0", 30,
                   f"the new disk to be known on {node}")
    scene.end_loads([load])
    # Its vote counts again.
    scene.leave(next(node for node in (leader, other) if node is not wiped))
    rest = [node for node in scene.up() if (scene.status(node) or {}).get("state") == "running"]
    scene.wait_leader(rest)
    scene.load(wiped, count=20).wait(60)
    for node in scene.up():
        if node not in rest:
            scene.join(node)
    return scene.prove()


def recover(node, *more, check=True):
    """What raftctl recover says of the log of a guest whose group is stopped."""
    result = node.run(["raftctl", "--json", "recover", "--id", str(node.member), "--dir", DIR,
                       *more], check=False)
    claim(result.code == (0 if "--force" in more else 1) or not check,
          f"recover {more} of {node}: {result.err.strip()}")
    return json.loads(result.out) if result.out else {"error": result.err.strip()}


def test_lost_quorum(scene):
    """Two of three are lost for good: the third goes on alone, and gets two new ones. One that
    comes back is not heard, and cannot join."""
    scene.fresh()
    leader, (survivor, other) = scene.followers()
    loads = [scene.load(node, threads=1) for node in scene.up()]
    scene.wait_acknowledged(loads, 50)
    scene.end_loads(loads)
    end = scene.wait_equal()
    old_id = scene.status(survivor)["cluster_id"]
    scene.kill(leader, other)
    refused = recover(survivor, "--force", check=False)
    claim("is in use" in refused["error"], f"recover of a group that runs: {refused}")
    scene.leave(survivor)

    told = recover(survivor)
    claim(told["last_index"] >= end and told["cluster_id"] == old_id and not told["recovered"],
          f"recover tells of {end} entries: {told}")
    claim([member["id"] for member in told["left_out"]] ==
          sorted([leader.member, other.member]), f"recover tells who is left out: {told}")
    claim(recover(survivor) == told, "telling changes nothing")
    done = recover(survivor, "--force")
    claim(done["recovered"] and done["new_cluster_id"] != old_id, f"recover --force: {done}")
    refused = survivor.run(scene.start_line(survivor), check=False)
    claim(refused.code == 1 and "another node or cluster" in refused.err,
          f"the old members are not those of its log: {refused.err.strip()!r}")
    line = ["raftctl", "start", "--id", str(survivor.member), "--dir", DIR, *scene.security]
    survivor.run(line)
    scene.members = [survivor.member]
    scene.wait_leader()
    claim(scene.status(survivor)["cluster_id"] == done["new_cluster_id"], "it has another number")
    load = scene.load(survivor, threads=1)
    scene.wait_acknowledged([load], 20)

    # One of the dead stands up, with the log that it had.
    scene.rename(other, other.member, PORT)
    other.boot()
    other.wait_ready()
    scene.join(other)
    wait_until(lambda: int(survivor.run(f"cat {SYSFS}/stats/drop_cluster").out) > 0, 60,
               "the survivor to drop what it says")
    claim(scene.status(other)["leader_id"] == 0, "it finds no leader")
    scene.leave(other)
    refused = other.run(["raftctl", "start", "--join", "--cluster-id", done["new_cluster_id"],
                         "--id", str(other.member), "--listen", scene.address(other), "--dir", DIR,
                         *scene.security],
                        check=False)
    claim(refused.code == 1 and "another node or cluster" in refused.err,
          f"it does not join with that log: {refused.err.strip()!r}")

    # With an empty one it does, as another machine does.
    other.run(f"rm {DIR}/wal")
    new = next(node for node in scene if node.member not in scene.first_members)
    for node in (other, new):
        answer = scene.change_members("add", "--auto-promote",
                                      f"{node.member}={scene.address(node)}")
        start_new(node, answer)
        members = sorted([*scene.members, node.member])
        scene.wait_members(members, nodes=[scene.guest_of(i) for i in members], timeout=120)
        scene.members = members
    scene.end_loads([load])
    scene.leave(survivor)
    scene.load(scene.wait_leader([other, new]), count=20).wait(60)
    survivor.run(line)
    return f"{survivor} was left of {told['last_index']} entries; {scene.prove()}"


def load_version(node, level=None):
    """Have the guest run a version of at most this feature level; its group is stopped."""
    node.run("grep -q '^raftlog ' /proc/modules && rmmod raftlog; true")
    node.run(f"insmod {MODULE}" + ("" if level is None else f" feature_level={level}"))


def test_upgrade(scene):
    """Three members are upgraded one after the other under load: what is new is used once the
    last has it, and then nobody goes back."""
    def levels():
        return [(scene.status(node) or {}).get("feature_level") for node in scene.up()]

    scene.blank()
    for node in scene:
        load_version(node, 0)
    scene.join_all()
    scene.wait_leader()
    loads = []
    for node in scene.up():
        claim(levels() == [0, 0, 0], f"the level is raised before all have it: {levels()}")
        scene.leave(node)
        load_version(node)
        scene.join(node)
        scene.wait_leader()
        loads.append(scene.load(node, threads=1, timeout_ms=PATIENT_MS))
        scene.wait_acknowledged(loads[-1:], 20)
        scene.end_loads(loads)
    wait_until(lambda: levels() == [1, 1, 1], 60, "the level to be raised")
    failed = [line for load in loads for line in lines_of(load) if line.outcome != "A"]
    claim(not failed, f"{len(failed)} appends failed, the first with errno {failed and failed[0].errno}")

    leader, (follower, _) = scene.followers()
    for member in scene.members:
        claim(peer_file(leader, member, "feature_level") == "1", f"node {member} has level 1")
    scene.leave(follower)
    load_version(follower, 0)
    refused = follower.run(scene.start_line(follower), check=False)
    claim(refused.code == 1 and "has more than this one" in refused.err,
          f"an older version does not start: {refused.err.strip()!r}")
    load_version(follower)
    scene.join(follower)

    # Nor does it take part when it is new.
    new = next(node for node in scene if node.member not in scene.members)
    answer = scene.change_members("add", "--auto-promote", f"{new.member}={scene.address(new)}")
    load_version(new, 0)
    start_new(new, answer)
    wait_until(lambda: (scene.status(new) or {}).get("state") == "failed", 60,
               "an older version to stop itself")
    status = scene.status(new)
    claim(status["reason"] == "feature_level" and "upgrade" in status["failure"],
          f"it says why: {status['failure']!r}")
    scene.leave(new)
    load_version(new)
    start_new(new, answer)
    scene.members = [*scene.members, new.member]
    scene.wait_members(scene.members, timeout=120)
    return scene.prove()
