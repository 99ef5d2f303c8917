"""The files that are served: made anew for each run, beside secrets that must never come."""

import hashlib
import os
import random
import time

MEBIBYTE = 1 << 20
HUGE_BYTE_COUNT = 5 << 30
# Where the huge file has bytes; the rest is holes. Around 4 GiB numbers of 32 bits end.
HUGE_EXTENTS = [0, MEBIBYTE - 5, (2 << 30) - 4096, (4 << 30) - 70_000, (4 << 30) + 12_345, HUGE_BYTE_COUNT - 100_001]
HUGE_EXTENT_BYTE_COUNT = 100_001

SIZES = {"empty.bin": 0, "one.bin": 1, "4095.bin": 4095, "4096.bin": 4096, "4097.bin": 4097, "mebibyte.bin": MEBIBYTE}
LARGE = "large.bin"
LARGE_BYTE_COUNT = 24 * MEBIBYTE + 1234
HUGE = "huge.bin"

# Old enough for a date to be a strong validator (RFC 9110, 8.8.2.2).
AGE_SECONDS = 86_400


class Tree:
    """`folder` has the root that is served, and what lies outside it."""

    def __init__(self, folder, seed, is_long):
        self.folder = os.path.realpath(folder)
        self.root = os.path.join(self.folder, "root")
        self.outside = os.path.join(self.folder, "outside")
        self.random = random.Random(seed)
        self.secret = self.random.randbytes(16).hex().encode()
        self.hashes = {}
        os.chmod(self.folder, 0o755)
        os.mkdir(self.root)
        os.mkdir(self.outside)
        for place in (self.folder, self.outside):
            with open(os.path.join(place, "secret.txt"), "wb") as file:
                file.write(self.secret)
        for name, size in SIZES.items():
            self.write(name, self.random.randbytes(size))
        self.write(LARGE, self.random.randbytes(LARGE_BYTE_COUNT))
        self.write("a/b/file.txt", b"a file in a directory in a directory\n")
        if is_long:
            self._write_huge()
        self.names = list(SIZES) + [LARGE] + ([HUGE] if is_long else [])

    def path(self, name):
        return os.path.join(self.root, name)

    def write(self, name, content):
        """A file of that content, an old one, in directories that are made where needed. `name` may be bytes."""
        root, name = (self.root.encode(), name) if isinstance(name, bytes) else (self.root, name)
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        past = time.time() - AGE_SECONDS
        os.utime(path, (past, past))

    def _write_huge(self):
        with open(self.path(HUGE), "wb") as file:
            file.truncate(HUGE_BYTE_COUNT)
            for offset in HUGE_EXTENTS:
                file.seek(offset)
                file.write(self.random.randbytes(HUGE_EXTENT_BYTE_COUNT))
        past = time.time() - AGE_SECONDS
        os.utime(self.path(HUGE), (past, past))

    def size(self, name):
        return os.path.getsize(self.path(name))

    def read(self, name, offset=0, byte_count=None):
        with open(self.path(name), "rb") as file:
            file.seek(offset)
            return file.read(-1 if byte_count is None else byte_count)

    def hash(self, name):
        if name not in self.hashes:
            with open(self.path(name), "rb") as file:
                self.hashes[name] = hashlib.file_digest(file, "sha256").hexdigest()
        return self.hashes[name]
