"""What every check is given."""

import os
import random
from contextlib import contextmanager

from .checks import Failure, Skipped
from .servers import Nginx, PooledEcho, PythonServer
from .tree import Tree


class Run:
    """A tree, a server of it, and how much is to be tried."""

    def __init__(self, folder, program, against, seed, is_long):
        self.program = program
        self.against = against
        self.seed = seed
        self.is_long = is_long
        self.tree = Tree(folder, seed, is_long)
        self._shared = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._shared:
            self._shared.__exit__()

    def random(self, topic):
        """Choices of the run's seed, the same whatever else is checked."""
        return random.Random(f"{self.seed} {topic}")

    @property
    def server(self):
        """One that serves the tree, with the defaults, to all checks that ask for no other."""
        if self._shared and self._shared.process.poll() is not None:
            ended, self._shared = self._shared, None
            description = ended.describe()
            ended.__exit__()
            raise Failure(f"the server has ended with status {ended.process.returncode}: {description}")
        if not self._shared:
            self._shared = self._start(self.tree.root, (), ())
        return self._shared

    @contextmanager
    def serve(self, *arguments, root=None, launcher=(), program=None):
        """A server of its own."""
        with self._start(root or self.tree.root, arguments, launcher, program) as server:
            yield server

    def _start(self, root, arguments, launcher, program=None):
        if self.against == "python":
            return PythonServer(root)
        if self.against == "nginx":
            return Nginx(root)
        return PooledEcho(program or self.program, root, arguments, launcher)

    def need_pooled_echo(self):
        """For checks of what only our server promises, by means that others lack."""
        if self.against:
            raise Skipped(f"{self.against} has nothing of the kind")

    def folder(self, name):
        """A new folder beside the root, which any user may read."""
        path = os.path.join(self.tree.folder, name)
        os.mkdir(path)
        os.chmod(path, 0o755)
        return path
