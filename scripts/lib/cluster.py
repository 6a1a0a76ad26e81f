# SPDX-License-Identifier: GPL-2.0
"""A cluster of QEMU guests with one network segment, and commands in them.

    10.77.0.1, fd77::1       10.77.0.2, fd77::2       10.77.0.3, fd77::3
    +----------------+       +----------------+       +----------------+
    | n1   /dev/vda  |       | n2   /dev/vda  |       | n3   /dev/vda  |
    +-------+--------+       +-------+--------+       +-------+--------+
            |                        |                        |
    ========+========= switch (userspace/cluster) ============+=========

The guests run the given kernel with an initramfs of our own (scripts/initramfs);
process 1 (userspace/cluster/init.c) takes commands on a virtio port. Nothing of
it needs root, and nothing outlives the process that made it: every child is
started to die with it.
"""

import atexit
import contextlib
import functools
import glob
import lzma
import os
import queue
import re
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import uuid

from volatile_disk import VolatileDisk

SCRIPTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOP = os.path.dirname(SCRIPTS)
BUILD = os.path.join(TOP, "build")
CACHE = os.environ.get("RAFTLOG_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "raftlog")

DIR = "/var/lib/raftlog"
PORT = 7400
# A debug kernel takes several times as long as a stock one.
BOOT_TIMEOUT = 300
# Emulated guests hang now and then before the first program runs: then once more.
BOOT_AGAIN = 150
KVM_TRIAL_TIMEOUT = 10
DISK_BYTES = 1 << 30
MKFS = {
    "ext4": ["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=1,nodiscard", "-O",
             "^resize_inode"],
    "xfs": ["mkfs.xfs", "-q", "-f", "-K"],
}

FRAME_RUN, FRAME_STDIN, FRAME_SIGNAL = 1, 2, 3
FRAME_STDOUT, FRAME_STDERR, FRAME_EXIT, FRAME_HELLO = 4, 5, 6, 7
RUN_F_PROBE = 1
FRAME_BYTES_MAX = 1 << 15

# What a healthy guest never says on its console.
TROUBLE = ("WARNING:", "BUG:", "Oops", "Call Trace", "general protection",
           "Kernel panic", "blocked for more than", "rcu_sched self-detected",
           "possible recursive locking", "kmemleak:", "KASAN", "UBSAN", "ODEBUG", "refcount_t")


class ClusterError(Exception):
    """The cluster, not what runs on it, is not as it should be."""


class CommandError(Exception):
    """A command in a guest failed, with what it said."""

    def __init__(self, node, result):
        super().__init__(f"n{node.id}: {result.command!r} exited with {result.code}: "
                         f"{(result.err or result.out).strip()[-500:]}")
        self.result = result


# The parent-death signal follows the thread that started a child, not the
# process: one thread that never ends starts them all.
_spawners = {}


def _spawner(requests):
    while True:
        args, kwargs, reply = requests.get()
        try:
            # A session of its own: Ctrl-C at a prompt is not for the guests.
            reply.put(subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *args],
                                       start_new_session=True, **kwargs))
        except OSError as error:
            reply.put(error)



def spawn(args, **kwargs):
    """A child that is killed when this process ends, however it ends."""
    # A fork leaves the thread behind.
    requests = _spawners.get(os.getpid())
    if not requests:
        requests = _spawners[os.getpid()] = queue.Queue()
        threading.Thread(target=_spawner, args=(requests,), daemon=True).start()
    reply = queue.Queue()
    requests.put((args, kwargs, reply))
    child = reply.get()
    if isinstance(child, OSError):
        raise child
    return child


def limit_lifetime(seconds):
    """End this process, and with it every guest, after at most @seconds."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(int(seconds))


def wait_until(condition, timeout, what, interval=0.05):
    """Poll @condition until it is true; its last value comes back."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise ClusterError(f"not within {timeout} s: {what}")
        time.sleep(interval)


def guest_kernel(kind="stock"):
    """VMLINUZ, MODULES and RELEASE of the kernel to boot, from the script of its kind."""
    script = ["guest-kernel"] if kind == "stock" else ["debug-kernel", kind]
    script[0] = os.path.join(SCRIPTS, script[0])
    listed = subprocess.run(script, check=True, text=True,
                            stdout=subprocess.PIPE).stdout
    kernel = dict(line.split("=", 1) for line in listed.splitlines() if "=" in line)
    # KASAN's early code faults where a PVH boot enters the kernel.
    if kind == "stock":
        kernel["VMLINUZ"] = unpacked(kernel["VMLINUZ"], kernel["RELEASE"])
    return kernel


def unpacked(vmlinuz, release):
    """The kernel inside a compressed image, which QEMU boots directly (PVH).

    Unpacking it once here takes a second; in an emulated guest five at each boot.
    Where that is not what is inside, the image itself.
    """
    with open(vmlinuz, "rb") as file:
        image = file.read()
    if image[:4] == b"\x7fELF" or image[0x202:0x206] < b"\x08\x02\0\0":
        return vmlinuz
    cached = os.path.join(os.path.dirname(vmlinuz), f"vmlinux-{release}")
    if os.path.exists(cached):
        return cached
    # Documentation/x86/boot.rst: setup_sects, payload_offset, payload_length.
    at, length = struct.unpack_from("<II", image, 0x248)
    at += (image[0x1f1] + 1) * 512
    try:
        kernel = lzma.LZMADecompressor().decompress(image[at:at + length])
    except lzma.LZMAError:
        return vmlinuz
    with open(f"{cached}.{os.getpid()}", "wb") as file:
        file.write(kernel)
    os.rename(f"{cached}.{os.getpid()}", cached)
    return cached


@functools.lru_cache(maxsize=None)
def tsc_khz():
    """Rate of the counter that emulated guests take their time from."""
    return int(subprocess.run([os.path.join(BUILD, "cluster", "tsc")], check=True,
                              stdout=subprocess.PIPE).stdout)


class Result:
    """What a command in a guest said, and how it ended."""

    def __init__(self, command, code, out, err):
        self.command = command
        self.code = code
        self.raw = out
        self.out = out.decode(errors="replace")
        self.err = err.decode(errors="replace")


class Command:
    """A command that runs in a guest."""

    def __init__(self, node, number, text):
        self.node = node
        self.number = number
        self.text = text
        self.out = bytearray()
        self.err = bytearray()
        self.code = None
        self.ended = threading.Event()

    def signal(self, number=signal.SIGTERM):
        self.node.send(self.number, FRAME_SIGNAL, struct.pack("<I", number))

    def running(self):
        return not self.ended.is_set()

    def wait_ended(self, timeout=60):
        """It has ended, be it with its guest."""
        if not self.ended.wait(timeout):
            self.signal(signal.SIGKILL)
            raise ClusterError(f"n{self.node.id}: {self.text!r} did not end in {timeout} s")

    def wait(self, timeout=60, check=True):
        self.wait_ended(timeout)
        if self.code is None:
            raise ClusterError(f"n{self.node.id}: the guest ended under {self.text!r}")
        result = Result(self.text, self.code, bytes(self.out), bytes(self.err))
        if check and self.code:
            raise CommandError(self.node, result)
        return result


class Node:
    """One guest."""

    def __init__(self, cluster, number):
        self.cluster = cluster
        self.id = number
        self.ip = f"10.77.0.{number}"
        self.ip6 = f"fd77::{number}"
        self.console = os.path.join(cluster.logs, f"console-{number}")
        self.disk = os.path.join(cluster.logs, f"disk-{number}")
        self.lock = threading.Lock()
        self.commands = {}
        self.last_number = 0
        self.process = None
        # What the machine is told that changes when its memory goes back in time.
        self.generation = uuid.uuid4()
        self.socket = None
        self.ready = threading.Event()
        self.boots = 0
        self.formatted = False
        self.cache = None

    def __repr__(self):
        return f"n{self.id}"

    # Life

    def make_disk(self):
        with open(self.disk, "wb") as disk:
            disk.truncate(DISK_BYTES)
        if self.cluster.disk in MKFS:
            subprocess.run(MKFS[self.cluster.disk] + [self.disk], check=True,
                           env={**os.environ, "PATH": os.environ["PATH"] + ":/sbin:/usr/sbin"})
        if self.cluster.volatile:
            seed = f"{self.cluster.seed}/{self.id}"
            self.cache = VolatileDisk(self.disk, self.cache_address(), seed)

    def cache_address(self):
        return os.path.join(self.cluster.sockets, f"disk-{self.id}")

    def boot(self, memory=None):
        """Start the guest; wait_ready() says when it is there. With @memory, from suspend(),
        it goes on where it was."""
        agent = os.path.join(self.cluster.sockets, f"agent-{self.id}.{self.boots}")
        self.boots += 1
        self.ready = threading.Event()
        incoming = ["-incoming", f"exec:cat {shlex.quote(memory)}"] if memory else []
        self.process = spawn(self.cluster.qemu(self, agent) + incoming, stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=self.cluster.qemu_log)
        threading.Thread(target=self._converse,
                         args=(self.process, agent, self.ready, memory is not None),
                         daemon=True).start()

    def suspend(self, timeout=120):
        """Write the guest's memory to a file, whose name is returned, and end it."""
        memory = os.path.join(self.cluster.logs, f"disk-{self.id}.memory")
        # It stops once all is written.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(memory)
        part, whole = shlex.quote(f"{memory}.part"), shlex.quote(memory)
        said = self.ask_monitor(f'migrate -d "exec:cat > {part} && mv {part} {whole}"')
        deadline = time.monotonic() + timeout
        while not os.path.exists(memory):
            if "Error" in said or "status: failed" in said or time.monotonic() > deadline:
                raise ClusterError(f"n{self.id}: its memory is not saved: {said}")
            time.sleep(0.1)
            said = self.ask_monitor("info migrate")
        self.kill()
        return memory

    def wait_ready(self, timeout=BOOT_TIMEOUT):
        if self._is_ready(min(timeout, BOOT_AGAIN)):
            return
        if self.alive():
            print(f"# n{self.id} does not boot, and is started again; it was at\n"
                  + self._where(), flush=True)
            self.process.kill()
            self.process.wait()
            self.boot()
        if not self._is_ready(timeout):
            raise ClusterError(f"n{self.id} did not boot; its console:\n{self.console_tail()}")

    def _is_ready(self, timeout):
        deadline = time.monotonic() + timeout
        while self.alive() and time.monotonic() < deadline and not self.ready.wait(0.2):
            pass
        return self.ready.is_set() and self.alive()

    def _where(self):
        """What its processors do, as far as the emulator tells, and its console."""
        lines = re.findall(r"^(?:CPU#|RIP|RSP).*", self.ask_monitor("info registers -a"), re.M)
        return "\n".join(f"#   {line.strip()}" for line in lines +
                         self.console_tail().splitlines())

    def ask_monitor(self, line):
        """What the emulator's monitor says to @line, or what it has said of it in two seconds."""
        said = b""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as link:
            link.settimeout(2)
            link.connect(self.monitor())
            link.sendall(line.encode() + b"\n")
            # It asks for a line before this one and after it.
            while said.count(b"\n(qemu) ") < 2:
                more = link.recv(1 << 16)
                if not more:
                    break
                said += more
        return said.decode(errors="replace")

    def monitor(self):
        return os.path.join(self.cluster.sockets, f"monitor-{self.id}")

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """As pulling the plug: the guest gets no chance to do anything."""
        if self.cache:
            self.cache.freeze()
        if self.process:
            self.process.kill()
            self.process.wait()
        if self.cache:
            self.cache.cut()

    def restart(self, wait=True):
        self.kill()
        self.boot()
        if wait:
            self.wait_ready()

    def console_text(self):
        try:
            with open(self.console, encoding="utf-8", errors="replace") as console:
                return console.read()
        except FileNotFoundError:
            return ""

    def console_tail(self, lines=30):
        return "\n".join(self.console_text().splitlines()[-lines:])

    # Commands

    def _converse(self, process, path, ready, runs):
        """Takes what process 1 of one boot of the guest sends, until it ends. @runs: it does
        already, and does not say so."""
        link = socket.socket(socket.AF_UNIX)
        while process.poll() is None:
            try:
                link.connect(path)
                break
            except OSError:
                time.sleep(0.02)
        with self.lock:
            self.socket = link
        if runs:
            ready.set()
        try:
            stream = link.makefile("rb")
            while True:
                header = stream.read(12)
                if len(header) < 12:
                    break
                number, kind, length = struct.unpack("<III", header)
                self._frame(number, kind, stream.read(length), ready)
        except OSError:
            pass
        with self.lock:
            orphans = list(self.commands.values())
            self.commands.clear()
        link.close()
        for command in orphans:
            command.ended.set()

    def _frame(self, number, kind, data, ready):
        if kind == FRAME_HELLO:
            ready.set()
            return
        with self.lock:
            command = self.commands.get(number)
            if command and kind == FRAME_EXIT:
                del self.commands[number]
        if not command:
            return
        if kind == FRAME_STDOUT:
            command.out += data
        elif kind == FRAME_STDERR:
            command.err += data
        elif kind == FRAME_EXIT:
            command.code = struct.unpack("<I", data)[0]
            command.ended.set()

    def send(self, number, kind, data):
        with self.lock:
            try:
                self.socket.sendall(struct.pack("<III", number, kind, len(data)) + data)
            except OSError as error:
                raise ClusterError(f"n{self.id}: {error}") from error

    def start(self, command, probe=False, stdin=b""):
        """Run a command (a list, or a line for the guest's shell) in the background.

        A probe keeps real-time priority.
        """
        args = ["sh", "-c", command] if isinstance(command, str) else list(command)
        text = command if isinstance(command, str) else shlex.join(command)
        if not self.alive():
            raise ClusterError(f"n{self.id} is not up")
        with self.lock:
            self.last_number += 1
            running = Command(self, self.last_number, text)
            self.commands[running.number] = running
        flags = struct.pack("<I", RUN_F_PROBE if probe else 0)
        self.send(running.number, FRAME_RUN,
                  flags + b"".join(os.fsencode(arg) + b"\0" for arg in args))
        for at in range(0, len(stdin), FRAME_BYTES_MAX):
            self.send(running.number, FRAME_STDIN, stdin[at:at + FRAME_BYTES_MAX])
        self.send(running.number, FRAME_STDIN, b"")
        return running

    def run(self, command, timeout=60, check=True, probe=False, stdin=b""):
        """Run a command and wait for it. Raises CommandError if it fails and @check."""
        return self.start(command, probe, stdin).wait(timeout, check)

    def try_run(self, command, timeout=60):
        """Its output, or None if it failed or the guest is not there."""
        try:
            result = self.run(command, timeout, check=False)
        except ClusterError:
            return None
        return result.out if result.code == 0 else None

    def put(self, path, data):
        self.run(["sh", "-c", 'cat > "$0"', path], stdin=data)

    # Network emulation by the guest's own kernel

    def netem(self, *words):
        """tc-netem(8) on what the guest sends; without words: none."""
        # By itself: busybox's shell takes its own tc for it, which knows less.
        if "netem" in self.run(["tc", "qdisc", "show", "dev", "eth0"]).out:
            self.run(["tc", "qdisc", "del", "dev", "eth0", "root"])
        if words:
            self.run(["tc", "qdisc", "add", "dev", "eth0", "root", "netem", "limit", "10000",
                      *words])


def sweep():
    """Remove what processes that were killed left: sockets, disks, never consoles."""
    stale = glob.glob(os.path.join(tempfile.gettempdir(), "raftlog-*-*"))
    stale += glob.glob(os.path.join(BUILD, "clusters", "*", "disk-*"))
    stale += glob.glob(os.path.join(BUILD, "clusters", "*", "initramfs"))
    for path in stale:
        # raftlog-PID-..., or NAME-PID/...
        owner = re.search(r"raftlog-(\d+)-[^/]*$|-(\d+)/[^/]*$", path)
        if owner and not os.path.exists(f"/proc/{owner[1] or owner[2]}"):
            if os.path.isdir(path):
                shutil.rmtree(path, ignore_errors=True)
            else:
                os.unlink(path)


class Cluster:
    """N guests, their network and their files."""

    def __init__(self, n=3, name="cluster", disk="ext4", kernel="stock", smp=1,
                 megabytes=384, cache="writeback", programs=(), accel=None, volatile=False,
                 seed=0, modules=()):
        """@disk: ext4, xfs or raw. @volatile: what is not flushed goes with the power,
        drawn from @seed."""
        sweep()
        self.disk = disk
        self.volatile = volatile
        self.seed = seed
        self.smp = smp
        self.megabytes = megabytes
        self.cache = cache
        self.programs = list(programs)
        self.modules = list(modules)
        self.kernel_kind = kernel
        self.kernel = guest_kernel(kernel)
        self.logs = os.path.join(BUILD, "clusters", f"{name}-{os.getpid()}")
        shutil.rmtree(self.logs, ignore_errors=True)
        os.makedirs(self.logs)
        # A socket's path is at most 107 characters; the build folder's may be more.
        self.sockets = tempfile.mkdtemp(prefix=f"raftlog-{os.getpid()}-")
        self.initramfs = os.path.join(self.logs, "initramfs")
        self.qemu_log = open(os.path.join(self.logs, "qemu.log"), "ab")
        self.switch = None
        self.switch_lock = threading.Lock()
        self.accel = accel
        # A test made allocations fail, and said so here.
        self.lacks_memory = False
        self.nodes = {i: Node(self, i) for i in range(1, n + 1)}
        atexit.register(self.stop)

    def __getitem__(self, number):
        return self.nodes[number]

    def __iter__(self):
        return iter(self.nodes.values())

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        if self.accel is None:
            self.accel = choose_accel(self.kernel)
        modules = ([self.disk] if self.disk in MKFS else []) + self.modules
        build_initramfs(self.initramfs, self.kernel, self.programs, modules)
        self.switch = spawn([os.path.join(BUILD, "cluster", "switch"), self.sockets,
                             str(len(self.nodes))],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.switch.stdout.readline() != "ok\n":
            raise ClusterError("the switch did not start")
        for node in self:
            node.make_disk()
            node.boot()
        for node in self:
            node.wait_ready()

    def stop(self):
        """End everything; what the guests said stays in the logs folder."""
        atexit.unregister(self.stop)
        for node in self:
            node.kill()
        if self.switch:
            self.switch.kill()
            self.switch.wait()
        for node in self:
            if node.cache:
                node.cache.close()
        self.qemu_log.close()
        shutil.rmtree(self.sockets, ignore_errors=True)
        for path in [self.initramfs] + [node.disk for node in self]:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)

    def qemu(self, node, agent):
        append = ["console=ttyS0", "quiet", "panic=-1", "oops=panic", "mitigations=off",
                  "tsc=reliable", "no_timer_check", "cryptomgr.notests", "random.trust_cpu=on",
                  f"node_id={node.id}", f"disk={self.disk}"]
        if self.accel == "tcg":
            append.append(f"tsc_early_khz={tsc_khz()}")

        def path(name):
            return name.replace(",", ",,")

        file = f"nbd:unix:{node.cache_address()}" if node.cache else node.disk
        return ["qemu-system-x86_64", "-name", f"raftlog-n{node.id}", "-machine", "q35",
                *ACCELERATORS[self.accel], "-smp", str(self.smp), "-m", str(self.megabytes),
                "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                "-kernel", self.kernel["VMLINUZ"], "-initrd", self.initramfs,
                "-append", " ".join(append),
                "-chardev", f"file,id=console,append=on,path={path(node.console)}",
                "-serial", "chardev:console",
                "-chardev", f"socket,id=monitor,server=on,wait=off,path={path(node.monitor())}",
                "-mon", "chardev=monitor,mode=readline",
                "-device", f"vmgenid,guid={node.generation}",
                "-device", "virtio-serial-pci",
                "-chardev", f"socket,id=agent,server=on,wait=off,path={path(agent)}",
                "-device", "virtserialport,chardev=agent,name=raftlog.agent",
                "-netdev", "stream,id=net,server=off,addr.type=unix,"
                f"addr.path={path(self.sockets)}/{node.id}",
                "-device", f"virtio-net-pci,netdev=net,romfile=,mac=52:54:00:77:00:{node.id:02x}",
                "-drive", f"if=none,id=disk,format=raw,cache={self.cache},file={path(file)}",
                "-device", "virtio-blk-pci,drive=disk"]

    # Links

    def _switch(self, line):
        with self.switch_lock:
            self.switch.stdin.write(line + "\n")
            self.switch.stdin.flush()
            if self.switch.stdout.readline() != "ok\n":
                raise ClusterError(f"the switch refused: {line}")

    def cut(self, a, b, both=True):
        """Nothing @a sends reaches @b, and the other way round."""
        self._switch(f"cut {a} {b}")
        if both:
            self._switch(f"cut {b} {a}")

    def isolate(self, *group):
        """Cut @group off from all others."""
        for a in group:
            for b in self.nodes:
                if b not in group:
                    self.cut(a, b)

    def heal(self, a=None, b=None):
        if a is None:
            self._switch("heal")
        else:
            self._switch(f"heal {a} {b}")
            self._switch(f"heal {b} {a}")

    def trouble(self):
        """Lines of the consoles that tell of a bug in the kernel."""
        def text(node):
            text = without_foreign_races(node.console_text())
            return without_lack_of_memory(text) if self.lacks_memory else text

        return [f"n{node.id}: {line.strip()}" for node in self for line in text(node).splitlines()
                if any(word in line for word in TROUBLE)]


# What reads and writes for others. What else a function of the kernel does on behalf of the
# module, be it that it sends a datagram, is its own.
HELPERS = re.compile(r"_*(list|llist|timerqueue|rb|mem(cpy|set|move|cmp|chr)|str|copy|crc32|chksum|"
                     r"xa|xas|refcount|kfree|kvfree)")
HELPER_FRAMES = 6


def is_race_of_module(report):
    """Does KCSAN's @report speak of an access by the module, or for it?"""
    for stack in re.split(r" to 0x\w+ of \d+ bytes by ", report)[1:]:
        frames = re.findall(r"\] +(\S+\+0x\w+/0x\w+(?: \[\w+\])?)", stack.split("Reported by")[0])
        ours = ["[raftlog" in frame for frame in frames[:HELPER_FRAMES]]
        if ours and (ours[0] or (any(ours) and HELPERS.match(frames[0]))):
            return True
    return False


def without_foreign_races(text):
    """@text without what KCSAN says of races that the module has no part in."""
    return re.sub(r"^\S* ?\[[^]]*\] =+\n[^\n]*BUG: KCSAN: .*?^\S* ?\[[^]]*\] =+\n",
                  lambda found: found.group() if is_race_of_module(found.group()) else "",
                  text, flags=re.M | re.S)


def without_lack_of_memory(text):
    """@text without what a kernel says where it was made to have none."""
    text = re.sub(r"^\[[^]]*\] [^:\n]+: (?:vmalloc error|page allocation failure): (?s:.*?) </TASK>$",
                  "", text, flags=re.M)
    return re.sub(r"^.*kmemleak: Cannot allocate a scan area.*$", "", text, flags=re.M)


ACCELERATORS = {
    "kvm": ["-accel", "kvm", "-cpu", "host"],
    "tcg": ["-accel", "tcg,thread=multi", "-cpu", "max,la57=off"],
}


def build_initramfs(output, kernel, programs, modules=()):
    added = [f"init={BUILD}/cluster/init", *programs]
    subprocess.run([os.path.join(SCRIPTS, "initramfs"), "--output", output,
                    "--modules", kernel["MODULES"],
                    *[word for item in added for word in ("--add", item)],
                    *[word for name in modules for word in ("--module", name)]], check=True)


def choose_accel(kernel):
    """KVM if a real guest has booted with it since the host did; else emulation.

    A /dev/kvm that is there may still hang or abort, hence the trial.
    """
    if os.environ.get("RAFTLOG_ACCEL"):
        return os.environ["RAFTLOG_ACCEL"]
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as boot:
        boot_id = boot.read().strip()
    cache = os.path.join(CACHE, "accel")
    with contextlib.suppress(OSError):
        with open(cache, encoding="ascii") as cached:
            known, accel = cached.read().split()
            if known == boot_id and accel in ACCELERATORS:
                return accel
    accel = "kvm" if kvm_boots(kernel) else "tcg"
    os.makedirs(CACHE, exist_ok=True)
    with open(f"{cache}.{os.getpid()}", "w", encoding="ascii") as cached:
        cached.write(f"{boot_id} {accel}\n")
    os.rename(f"{cache}.{os.getpid()}", cache)
    return accel


def kvm_boots(kernel):
    trial = Cluster(n=1, name="kvm-trial", accel="kvm")
    trial.kernel = kernel
    try:
        build_initramfs(trial.initramfs, kernel, [], ["ext4"])
        trial.switch = spawn([os.path.join(BUILD, "cluster", "switch"), trial.sockets, "1"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        trial.switch.stdout.readline()
        trial[1].make_disk()
        trial[1].boot()
        wait_until(lambda: trial[1].ready.is_set() or not trial[1].alive(),
                   KVM_TRIAL_TIMEOUT, "boot with KVM")
        return trial[1].alive() and "n1" in trial[1].run("hostname", timeout=5).out
    except (ClusterError, CommandError):
        return False
    finally:
        trial.stop()
        shutil.rmtree(trial.logs, ignore_errors=True)


def exit_on_signals():
    """Turn the usual signals into an orderly exit, so that stop() runs."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
