# SPDX-License-Identifier: GPL-2.0
"""A cluster test of what sysfs shows and the documentation says of it."""

import os
import re

from scene import claim

GROUP = "/sys/class/raftlog/raftlog"
ABI = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../kmod/ABI-sysfs")
# Of every device, and not ours to describe.
COMMON = {"uevent", "dev"}


def test_documented(scene):
    """Every file below the group's directory is described, and what is described is there."""
    node = scene.wait_leader()
    found = node.run(f"cd {GROUP}/ && find . -maxdepth 1 -type f && find peers/ stats/ -type f").out
    shown = {re.sub(r"peers/\d+/", "peers/<id>/", name.removeprefix("./")) for name in found.split()}
    shown -= COMMON
    with open(ABI, encoding="utf-8") as file:
        described = set(re.findall(r"^What:\s+/sys/class/raftlog/<group>/(\S+)$", file.read(), re.M))
    described.discard("peers/<id>")
    claim(shown == described, f"shown, and not described: {sorted(shown - described)}; "
                              f"described, and not shown: {sorted(described - shown)}")
    return f"{len(shown)} files"
