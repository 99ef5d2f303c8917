"""Whether anything outside the root was opened.

strace does not see what the ring opens: no system call names the path. inotify does: it reports every open, whoever
makes it. So folders outside the root that only the checks' targets lead to are watched by inotify, and strace looks at
what the server's threads open by system calls.
"""

import ctypes
import os
import re
import shutil
import struct
import time

from .checks import Skipped

IN_ACCESS, IN_OPEN, IN_NONBLOCK, IN_CLOEXEC = 0x1, 0x20, 0o4000, 0o2000000
EVENT = struct.Struct("iIII")
# What a listing is written into: memory without a name.
OWN_FILE = re.compile(r"/dev/shm/pooled-echo-")


class Watch:
    """Opens and reads in folders, by whomever."""

    def __init__(self, *folders):
        libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = libc.inotify_init1(IN_NONBLOCK | IN_CLOEXEC)
        if self.descriptor < 0:
            raise Skipped(f"inotify is not to be had: {os.strerror(ctypes.get_errno())}")
        self.folders = {
            libc.inotify_add_watch(self.descriptor, folder.encode(), IN_OPEN | IN_ACCESS): folder for folder in folders}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.descriptor)

    def opened(self):
        """Paths that were opened or read since the last call."""
        time.sleep(0.1)
        paths = set()
        try:
            while data := os.read(self.descriptor, 1 << 16):
                offset = 0
                while offset < len(data):
                    watch, _, _, count = EVENT.unpack_from(data, offset)
                    offset += EVENT.size
                    name = data[offset : offset + count].rstrip(b"\0").decode(errors="replace")
                    offset += count
                    paths.add(os.path.join(self.folders.get(watch, "?"), name))
        except BlockingIOError:
            pass
        return paths


class Trace:
    """What a server's threads open by system calls, after its start."""

    def __init__(self, path):
        if not shutil.which("strace"):
            raise Skipped("strace is not installed")
        self.path = path
        self.offset = 0

    @property
    def launcher(self):
        # -D: the server is the process that was started, and strace a grandchild that ends with it.
        calls = "trace=open,openat,openat2,creat,name_to_handle_at,open_by_handle_at"
        return ["strace", "-D", "-f", "-qq", "-e", calls, "-o", self.path]

    def begin(self):
        self.offset = os.path.getsize(self.path)

    def opened(self):
        """Paths in calls that succeeded, beside the server's own."""
        with open(self.path, encoding="utf-8", errors="replace") as file:
            file.seek(self.offset)
            calls = re.findall(r'^\d+ +(?:<\.\.\. )?\w+(?:\(| resumed>).*?"([^"]*)".* = \d+', file.read(), re.MULTILINE)
        return {path for path in calls if not OWN_FILE.match(path)}
