"""A process of allocator-worker, which does one round of work when it is told to."""

import json
import os
import subprocess


class Worker:
    def __init__(self, program, contender):
        environment = {key: value for key, value in os.environ.items() if key not in ("LD_PRELOAD", "GLIBC_TUNABLES")}
        self.process = subprocess.Popen(
            [program, contender.worker], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            # The dynamic loader says there when it can't preload a library; `facts` tells which one is in use.
            stderr=subprocess.DEVNULL, env=environment | contender.environment)
        self.title = contender.title

    def ask(self, *words):
        command = " ".join(map(str, words))
        try:
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise RuntimeError(f"{self.title}: the worker ended with {self.process.wait()} at '{command}'")
        return json.loads(answer)

    def run_on(self, processors):
        os.sched_setaffinity(self.process.pid, processors)

    def end(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()
