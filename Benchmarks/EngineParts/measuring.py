"""One measurement: a fresh server, files that are in the page cache or are not, and what it took to send them."""

import json
import os
import subprocess
import tempfile

from FilesParts.cases import Case, drop, resident_byte_count
from FilesParts.contenders import Contender
from FilesParts.measuring import check_content
from ReliabilityParts.result import Failure

TOTAL_BYTE_COUNT = 64 << 20


class Files(Case):
    """As many files of a size as make the total, in a folder of their own; one at least."""

    def __init__(self, root, byte_count):
        super().__init__(f"{byte_count} B", byte_count, file_count=max(1, TOTAL_BYTE_COUNT // byte_count))
        self.root = root
        self.make(root, len(self.paths))

    def full_paths(self):
        return [os.path.join(self.root, path) for path in self.paths]

    def load(self):
        """Into the page cache."""
        for path in self.full_paths():
            with open(path, "rb") as file:
                while file.read(1 << 20):
                    pass
            if resident_byte_count(path) < self.byte_count:
                raise Failure(f"{path} does not stay in the page cache")

    def remove(self):
        for path in self.full_paths():
            os.remove(path)


class Server(Contender):
    def __init__(self, command, processor):
        # Each file is asked for once, and the one that is checked a second time: as if for the first.
        super().__init__(
            [*command, "--port", "0", "--reactors", "1", "--cache-max-age", "0", "--stats", "json"], processor)
        self.url = f"http://{self.wait_for_line('listening on ')}/"

    def stop(self):
        super().stop()
        return json.loads(self.said().splitlines()[-1])


def measure(command, files, is_cold, processors):
    for path in files.full_paths():
        if is_cold:
            drop(path)
    if not is_cold:
        files.load()
    with Server(command, processors[0]) as server, tempfile.NamedTemporaryFile("w", suffix=".curl") as configuration:
        # Each URL has an output of its own, and all one connection.
        configuration.writelines(f'url = "{server.url}{path}"\noutput = "/dev/null"\n' for path in files.paths)
        configuration.flush()
        before = server.processor_seconds()
        load = subprocess.run(
            ["taskset", "-c", str(processors[1]), "curl", "-sSf", "-K", configuration.name, "-w",
             "%{size_download} %{time_total}\n"],
            capture_output=True, text=True, timeout=120, check=False)
        used = server.processor_seconds() - before
        if load.returncode != 0:
            raise Failure(f"curl failed: {load.stderr}\n{server.describe()}")
        answers = [line.split() for line in load.stdout.splitlines()]
        byte_count = sum(int(size) for size, _ in answers)
        if byte_count != len(files.paths) * files.byte_count:
            raise Failure(f"curl got {byte_count} B of {files.title}: {server.describe()}")
        # Only now: it would have been read from the disk before.
        check_content(server, files, files.paths[0])
        statistics = server.stop()
    # All requests took as many reads, that of the check too.
    reads = statistics["files"]
    read_count = reads["reads"] * len(files.paths) / (len(files.paths) + 1)
    return {
        "processorSecondsPerGigabyte": used / (byte_count / 1e9),
        "megabytesPerSecond": byte_count / 1e6 / sum(float(seconds) for _, seconds in answers),
        "directShare": min(1, reads["directReads"] / read_count),
    }
