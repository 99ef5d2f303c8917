"""What the measuring scripts share: putting figures into a document, and naming the machine they are of."""

import os
import platform
import re
import subprocess
import sys


def insert(document, name, text):
    """Replaces what stands in the document between the mark that names the text and the end mark."""
    with open(document, encoding="utf-8") as file:
        old = file.read()
    mark = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
    new, count = mark.subn(lambda match: f"{match[1]}{text}\n{match[2]}", old)
    if count != 1:
        sys.exit(f"{document} has {count} places marked '{name}', not one")
    with open(document, "w", encoding="utf-8") as file:
        file.write(new)


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"model name\s*: (.+)", file.read())
    swift = subprocess.run(["swift", "--version"], capture_output=True, text=True, check=True).stdout
    return (
        f"{model[1] if model else platform.machine()}, {len(os.sched_getaffinity(0))} processors, "
        f"Linux {'.'.join(platform.release().split('.')[:2])}, "
        f"Swift {re.search(r'Swift version ([0-9.]+)', swift)[1]}, loopback.")
