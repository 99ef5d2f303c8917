"""What a check is, and what it finds."""

import signal
from contextlib import contextmanager


class Failure(Exception):
    """What must hold does not: what was asked, what came, and what was wanted."""


class Skipped(Exception):
    """This machine lacks what the check needs: a sentence."""


class Check:
    def __init__(self, behaviour, function, seconds):
        self.topic = function.__module__.rpartition(".")[2]
        self.behaviour = behaviour
        self.function = function
        self.seconds = seconds


# In the order of the modules' imports, and within a module from its top.
CHECKS = []


def check(behaviour, seconds=30):
    """Makes a function that takes a `Run` the check of a behaviour, which must be over within so many seconds."""

    def register(function):
        CHECKS.append(Check(behaviour, function, seconds))
        return function

    return register


def demand(holds, sentence):
    if not holds:
        raise Failure(sentence)


@contextmanager
def at_most(seconds):
    """Ends what takes longer, wherever it hangs."""

    def expire(*_):
        raise Failure(f"not over within {seconds} s")

    previous = signal.signal(signal.SIGALRM, expire)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)


def excerpt(data, count=400):
    """Bytes as a failure shows them."""
    return repr(bytes(data[:count])) + (f" and {len(data) - count:,} bytes more" if len(data) > count else "")
