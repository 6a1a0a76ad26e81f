# SPDX-License-Identifier: GPL-2.0
"""A disk with a volatile cache, for guests whose power is cut.

QEMU reaches it as an NBD server on a Unix socket. What is written stays in memory
until it is flushed or was written with FUA. When the power is cut each sector
becomes, independently of all others, what was last flushed there or any of what was
written since: writes are lost, torn and reordered as a disk's cache may do it.
"""

import os
import random
import socket
import struct
import threading
import time

SECTOR = 512
FLUSH_SECONDS_MAX = 0.01

OPTION_MAGIC = 0x49484156454F5054
OPTION_REPLY_MAGIC = 0x3E889045565A9
REQUEST_MAGIC = 0x25609513
REPLY_MAGIC = 0x67446698

OPT_EXPORT_NAME, OPT_ABORT, OPT_INFO, OPT_GO = 1, 2, 6, 7
REP_ACK, REP_INFO, REP_ERR_UNSUPPORTED = 1, 3, 0x80000001
INFO_EXPORT, INFO_BLOCK_SIZE = 0, 3
CMD_READ, CMD_WRITE, CMD_DISCONNECT, CMD_FLUSH = 0, 1, 2, 3
CMD_FLAG_FUA = 1 << 0
EIO, EINVAL = 5, 22

HANDSHAKE_FLAGS = 1 << 0 | 1 << 1  # fixed newstyle, no zeroes
TRANSMISSION_FLAGS = 1 << 0 | 1 << 2 | 1 << 3  # has flags, flush, FUA


class Gone(Exception):
    """The other side is."""


def _read(stream, n):
    data = stream.read(n)
    if len(data) < n:
        raise Gone
    return data


class VolatileDisk:
    """An image file behind a cache that forgets."""

    def __init__(self, path, address, seed):
        self.file = open(path, "r+b", buffering=0)
        self.size = os.fstat(self.file.fileno()).st_size
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.cached = {}  # sector: all that was written there since it was flushed
        self.frozen = False
        self.failing = False
        self.lost = 0
        self.kept = 0
        self.written = 0
        self.address = address
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(address)
        self.listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()
        self.file.close()

    def freeze(self):
        """The power fails: from now on nothing gets to the disk, and nothing is answered."""
        with self.lock:
            self.frozen = True

    def cut(self):
        """After freeze(), and once the guest is gone: what came through stays."""
        with self.lock:
            self.frozen = False
            for sector, versions in self.cached.items():
                choice = self.random.randrange(len(versions) + 1)
                if choice:
                    self._store(sector, versions[choice - 1])
                if choice == len(versions):
                    self.kept += 1
                else:
                    self.lost += 1
            self.cached.clear()

    def fail_writes(self, failing):
        """From now on writes are answered with an error, or taken again."""
        with self.lock:
            self.failing = failing

    def _store(self, sector, data):
        os.pwrite(self.file.fileno(), data, sector * SECTOR)

    def _get(self, offset, length):
        data = bytearray(os.pread(self.file.fileno(), length, offset))
        first = offset // SECTOR
        with self.lock:
            if self.cached:
                for i in range(length // SECTOR):
                    versions = self.cached.get(first + i)
                    if versions:
                        data[i * SECTOR:(i + 1) * SECTOR] = versions[-1]
        return bytes(data)

    def _put(self, offset, data, durable):
        first = offset // SECTOR
        with self.lock:
            if self.frozen:
                raise Gone
            self.written += 1
            if self.failing:
                return EIO
            for i in range(len(data) // SECTOR):
                part = data[i * SECTOR:(i + 1) * SECTOR]
                if durable:
                    self.cached.pop(first + i, None)
                    self._store(first + i, part)
                else:
                    self.cached.setdefault(first + i, []).append(part)
        return 0

    def _flush(self):
        # As long as a disk takes, and more than the guests leave it between writes.
        time.sleep(self.random.uniform(0, FLUSH_SECONDS_MAX))
        with self.lock:
            if self.frozen:
                raise Gone
            for sector, versions in self.cached.items():
                self._store(sector, versions[-1])
            self.cached.clear()

    # The protocol

    def _accept(self):
        while True:
            try:
                link, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def _serve(self, link):
        stream = link.makefile("rb")
        try:
            self._negotiate(link, stream)
            while self._request(link, stream):
                pass
        except (Gone, OSError, ValueError):
            pass
        finally:
            stream.close()
            link.close()

    def _negotiate(self, link, stream):
        link.sendall(struct.pack(">8sQH", b"NBDMAGIC", OPTION_MAGIC, HANDSHAKE_FLAGS))
        _read(stream, 4)
        export = struct.pack(">QH", self.size, TRANSMISSION_FLAGS)
        while True:
            _, option, length = struct.unpack(">QII", _read(stream, 16))
            _read(stream, length)

            def reply(kind, data=b"", option=option):
                link.sendall(struct.pack(">QIII", OPTION_REPLY_MAGIC, option, kind, len(data))
                             + data)

            if option == OPT_EXPORT_NAME:
                link.sendall(export)
                return
            if option == OPT_ABORT:
                reply(REP_ACK)
                raise Gone
            if option in (OPT_INFO, OPT_GO):
                reply(REP_INFO, struct.pack(">H", INFO_EXPORT) + export)
                reply(REP_INFO, struct.pack(">HIII", INFO_BLOCK_SIZE, SECTOR, 4096, 32 << 20))
                reply(REP_ACK)
                if option == OPT_GO:
                    return
            else:
                reply(REP_ERR_UNSUPPORTED)

    def _request(self, link, stream):
        _, flags, kind, cookie, offset, length = struct.unpack(">IHHQQI", _read(stream, 28))
        data, error, answer = b"", 0, b""
        if kind == CMD_WRITE:
            data = _read(stream, length)
        if kind == CMD_DISCONNECT:
            return False
        if offset % SECTOR or length % SECTOR or offset + length > self.size:
            error = EINVAL
        elif kind == CMD_READ:
            answer = self._get(offset, length)
        elif kind == CMD_WRITE:
            error = self._put(offset, data, flags & CMD_FLAG_FUA)
        elif kind == CMD_FLUSH:
            self._flush()
        else:
            error = EINVAL
        link.sendall(struct.pack(">IIQ", REPLY_MAGIC, error, cookie) + answer)
        return True
