"""without_io_uring.py PROGRAM ARGUMENT...: runs it under a seccomp filter that forbids io_uring, as containers do."""

import ctypes
import os
import struct
import sys

PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38
SECCOMP_MODE_FILTER = 2
SECCOMP_RET_ALLOW = 0x7FFF0000
SECCOMP_RET_ERRNO = 0x00050000
EPERM = 1
# The same number on every architecture that has it.
IO_URING_SETUP = 425
BPF_LOAD_NUMBER = 0x20  # BPF_LD | BPF_W | BPF_ABS: the system call's number stands at offset 0
BPF_JUMP_IF_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
BPF_RETURN = 0x06  # BPF_RET | BPF_K


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


instructions = [
    (BPF_LOAD_NUMBER, 0, 0, 0),
    (BPF_JUMP_IF_EQUAL, 0, 1, IO_URING_SETUP),
    (BPF_RETURN, 0, 0, SECCOMP_RET_ERRNO | EPERM),
    (BPF_RETURN, 0, 0, SECCOMP_RET_ALLOW),
]
program = Program(len(instructions), b"".join(struct.pack("=HBBI", *each) for each in instructions))
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
for arguments in [
    (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
    (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(program), 0, 0),
]:
    if libc.prctl(*arguments) != 0:
        sys.exit(os.strerror(ctypes.get_errno()))
os.execv(sys.argv[1], sys.argv[1:])
