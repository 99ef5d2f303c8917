"""What is asked for: files, hot in the page cache or dropped from it."""

import hashlib
import os
import random
import subprocess

from ReliabilityParts.result import Failure


class Case:
    def __init__(self, title, byte_count, connections=0, file_count=1, arguments=()):
        self.title = title
        self.byte_count = byte_count
        # 0: cold, one request at a time.
        self.connections = connections
        folder = "cold" if self.is_cold else "hot"
        self.paths = [f"{folder}/{byte_count}-{index}.bin" for index in range(file_count)]
        self.hashes = {}
        # What pooled-echo is told beside its mode.
        self.arguments = list(arguments)

    @property
    def is_cold(self):
        return self.connections == 0

    def make(self, root, file_count):
        """Writes so many of its files, to the disk: what is not there yet can't be dropped from the page cache."""
        self.paths = self.paths[:file_count]
        for path in self.paths:
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            digest = hashlib.sha256()
            choice = random.Random(path)
            with open(full, "wb") as file:
                for start in range(0, self.byte_count, 1 << 20):
                    part = choice.randbytes(min(1 << 20, self.byte_count - start))
                    digest.update(part)
                    file.write(part)
                file.flush()
                os.fsync(file.fileno())
            self.hashes[path] = digest.hexdigest()


HOT_SMALL = Case("4 KiB, hot", 4 << 10, connections=64)
HOT_MEDIUM = Case("64 KiB, hot", 64 << 10, connections=64)
HOT_READ = Case("64 KiB, hot, read for each request", 64 << 10, connections=64, arguments=["--cache-size", "0"])
HOT_LARGE = Case("1 MiB, hot", 1 << 20, connections=16)
COLD = Case("256 MiB, cold", 256 << 20, file_count=4)
CASES = [HOT_SMALL, HOT_MEDIUM, HOT_READ, HOT_LARGE, COLD]


def resident_byte_count(path):
    """Bytes of a file in the page cache, as mincore tells fincore."""
    return int(subprocess.run(
        ["fincore", "--bytes", "--noheadings", "--output", "RES", path], capture_output=True, text=True, check=True).stdout)


def drop(path):
    """Takes a file out of the page cache, and makes sure that it is."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)
    if left := resident_byte_count(path):
        raise Failure(f"{left:,} B of {path} stay in the page cache")
