# SPDX-License-Identifier: GPL-2.0
"""Tests of what keys are for: their exchange, and who does not hold them."""

import json
import secrets

from cluster import DIR, PORT, wait_until
from raftlog import KEY, install_key
from scene import claim, lines_of

SYSFS = "/sys/class/raftlog/raftlog"

ROTATIONS = 20
FLOOD_SECONDS = 15
# Of the rate of appends that there was without the flood.
FLOOD_RATE_MIN = 0.70

# Of a datagram that came, why it was not taken; never of one that a member sent now.
REFUSED = ("short", "version", "type", "cluster", "receiver", "sender", "checksum", "key",
           "rate", "authentication", "epoch", "replay", "malformed")


def stats(node, group="raftlog"):
    """Counters of a group, by name."""
    said = node.run(f"cd /sys/class/raftlog/{group}/stats; grep '' *").out
    return {name: int(value) for name, value in
            (line.split(":") for line in said.splitlines())}


def refused(counters):
    return sum(counters[f"drop_{reason}"] for reason in REFUSED)


def terms(scene):
    return {node.id: scene.status(node)["current_term"] for node in scene.up()}


def rotate(scene, *words):
    for node in scene.up():
        node.run(["raftctl", "key", "rotate", *words])


def use_key(scene, name):
    scene.security = ["--key", name]


def test_keys(scene):
    """The key is exchanged under load, again and again: no append fails; the old one is refused."""
    scene.fresh()
    began = terms(scene)
    # However long it takes, the log does not get full.
    loads = [scene.load(node, threads=2, largest=1024, timeout_ms=60000, pause_ms=20)
             for node in scene]
    scene.wait_acknowledged(loads, 20)
    old = KEY
    for number in range(ROTATIONS):
        new = f"exchanged-{number}"
        secret = secrets.token_hex(32)
        for node in scene.up():
            install_key(node, new, secret)
        rotate(scene, "--next", new)
        # By itself, or when told.
        by_itself = number % 4 == 0
        rotate(scene, "--switch", "--grace", "1" if by_itself else "0")
        for node in scene.up():
            claim(node.run(f"cat {SYSFS}/key").out.strip() == new, f"{node} sends under {new}")
        if by_itself:
            wait_until(lambda: all(not node.run(f"cat {SYSFS}/key_previous").out.strip()
                                   for node in scene.up()), 30, "the old key to be dropped")
        else:
            rotate(scene, "--drop")
        last, old = old, new
    scene.end_loads(loads)
    failed = [line for load in loads for line in lines_of(load) if line.outcome != "A"]
    claim(not failed, f"{len(failed)} appends failed, the first with errno "
          f"{failed and failed[0].errno}")
    claim(terms(scene) == began, "an exchange of keys makes nobody stand for election")

    # One that was down for the last exchange, and does not know.
    leader, (member, other) = scene.followers()
    heard = stats(leader)["drop_key"]
    scene.leave(member)
    use_key(scene, last)
    member.run(scene.start_line(member))
    wait_until(lambda: stats(leader)["drop_key"] > heard, 60, "the old key to be refused")
    claim(scene.status(member)["leader_id"] == 0, "it finds no leader with the old key")
    claim("are under no key that this node holds" in leader.run("dmesg").out,
          f"{leader} says that a member has another key")
    scene.leave(member)
    use_key(scene, old)
    scene.join(member)
    wait_until(lambda: scene.status(member)["leader_id"], 60, "a leader with the right key")
    claim(other.run(f"cat {SYSFS}/security").out.strip() == "encrypted", "it says so")
    scene.load(member, count=20).wait(60)
    remark = scene.prove()
    # The next test's guests have the key they began with.
    for node in scene:
        scene.leave(node)
    use_key(scene, KEY)
    scene.join_all()
    return f"{ROTATIONS} exchanges; {remark}"


def start_others(scene):
    """Another cluster of the same guests, with the same key, at the port behind."""
    for node in scene:
        node.run(f"mkdir -p {DIR}/other")
        line = ["raftctl", "-g", "1", "start", "--id", str(node.id), "--cluster", "other",
                "--listen", f"{node.ip}:{PORT + 1}", "--dir", f"{DIR}/other", "--size", "8M",
                "--key", KEY, "--format"]
        for other in scene:
            if other is not node:
                line += ["--peer", f"{other.id}={other.ip}:{PORT + 1}"]
        node.run(line, timeout=120)


def test_forged(scene):
    """Forged, replayed, redirected, cut, flipped and foreign datagrams: none is taken."""
    scene.fresh()
    start_others(scene)
    leader, (attacker, other) = scene.followers()
    attacker.run("raftctl -g 1 wait --leader --timeout 60")
    loads = [scene.load(node, threads=1, largest=256, pause_ms=100) for node in scene]
    scene.wait_acknowledged(loads, 20)
    began = terms(scene)
    said = attacker.run(["attack", "forge", str(scene.packets), str(PORT), leader.ip, other.ip],
                        timeout=scene.packets // 100 + 300).out
    sent = {name: int(n) for name, n in (line.split() for line in said.splitlines())}
    scene.end_loads(loads)
    claim(terms(scene) == began, "it made nobody stand for election")
    told = sent.pop("told")
    claim(not told, f"the sessions of {told} datagrams are in the log, for everybody to read")
    # What was sent last is there, and then no datagram is counted that was not sent.
    received = [stats(node) for node in scene]
    n_sent = sum(stats(node)["tx_datagrams"] for node in scene)
    taken = sum(one["rx_datagrams"] - refused(one) for one in received)
    claim(taken <= n_sent + sent["asked"], f"{taken} datagrams were taken of {n_sent} that members "
          f"sent, and {sent['asked']} requests that were repeated")
    claim(not any(one["invalid_messages"] for one in received), "the core got one that it refused")
    by_reason = {reason: sum(one[f"drop_{reason}"] for one in received) for reason in REFUSED}
    for reason in ("receiver", "authentication", "replay", "short"):
        claim(by_reason[reason], f"none was refused for {reason}: {by_reason}")
    n_refused = sum(by_reason.values())
    claim(n_refused > scene.packets // 2, f"only {n_refused} were refused: {by_reason}")
    for node in scene:
        node.run("raftctl -g 1 stop")
    counts = ", ".join(f"{n} {name}" for name, n in sent.items())
    return f"{counts}; {n_refused} refused; {scene.prove()}"


def rate(scene, node):
    result = node.run(["raftctl", "--json", "bench", "--inflight", "8", "--seconds",
                       str(FLOOD_SECONDS)], timeout=FLOOD_SECONDS + 60)
    said = json.loads(result.out)
    claim(not said["errors"], f"appends fail: {said['errors']}")
    return said["appends_per_second"]


def test_flood(scene):
    """Junk as fast as a guest can send it: no election, and appends go on."""
    scene.fresh()
    flooder = scene[4]
    leader = scene.wait_leader()
    began = terms(scene)
    members = [scene.guest_of(i).ip for i in scene.members]
    seconds = str(FLOOD_SECONDS + 10)

    def flood(*addresses):
        return flooder.start(["attack", "flood", seconds, str(PORT), *addresses])

    # Guests share the host's processors: without the flood as much is sent, to nobody.
    nobody = "10.77.0.99"
    flooder.run(f"arp -s {nobody} 52:54:00:77:00:63")
    idle = flood(nobody)
    before = rate(scene, leader)
    idle.wait(60)
    storm = flood(*members)
    during = rate(scene, leader)
    storm.wait(60)
    # And while nothing but heartbeats is to come through.
    quiet = flood(*members)
    n_sent = int(quiet.wait(60).out.split()[1])
    n_refused = sum(refused(stats(node)) for node in scene.up() if node is not flooder)
    claim(n_refused > 0, "the flood did not arrive")
    claim(terms(scene) == began, "it made somebody stand for election")
    claim(during >= FLOOD_RATE_MIN * before,
          f"{during:.0f} appends/s under the flood, {before:.0f} without")
    scene.wait_equal()
    return f"{n_sent} sent, {n_refused} refused; {during:.0f} appends/s, {before:.0f} without"
