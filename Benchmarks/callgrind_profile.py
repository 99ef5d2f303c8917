"""What callgrind counted, for the scripts beside this file."""

import re
import subprocess
from collections import Counter

# What a program under `command` is to be run with, so that `CallgrindProfile` can read the result.
OPTIONS = ["--tool=callgrind", "--compress-strings=no", "--compress-pos=no", "--dump-instr=yes", "--demangle=no"]

# x86-64: a lock prefix, or an exchange with memory, which locks without one. AArch64: exclusive pairs and LSE atomics.
ATOMIC = re.compile(r"\block\b|\bxchg\b.*\(|\b(ld|st)[al]*xp?r[bh]?\b|\b(cas|swp|ld(add|clr|eor|set))[a-z]*\b")


class CallgrindProfile:
    """Executed instructions: in all, by function without what it called, by place; and calls by callee."""

    def __init__(self, path):
        self.instructions, self.calls, self.places = Counter(), Counter(), Counter()
        function = callee = library = None
        is_call_cost = False
        with open(path, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                key, _, value = line.rstrip("\n").partition("=")
                if key == "fn":
                    function = value
                elif key == "ob":
                    library = value
                elif key == "cfn":
                    callee = value
                elif key == "calls":
                    self.calls[callee] += int(value.split()[0])
                    is_call_cost = True
                elif line[:1].isdigit():
                    # The line after "calls=" is what the callee cost, which stands at the callee too.
                    if not is_call_cost:
                        address, *_, count = line.split()
                        self.instructions[function] += int(count)
                        self.places[library, int(address, 16)] += int(count)
                    is_call_cost = False
        self.total = sum(self.instructions.values())


def atomic_places(path):
    """The addresses of a program's or library's atomic read-modify-writes, with their instructions."""
    listing = subprocess.run(
        ["objdump", "--disassemble", "--no-show-raw-insn", path], capture_output=True, text=True, check=True).stdout
    return {
        int(address, 16): instruction.strip()
        for address, instruction in re.findall(r"^\s*([0-9a-f]+):\t(.+)$", listing, re.MULTILINE)
        if ATOMIC.search(instruction)
    }
