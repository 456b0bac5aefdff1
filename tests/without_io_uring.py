#!/usr/bin/env python3
"""Runs a program where a seccomp filter forbids io_uring, as in many containers.

    without_io_uring.py ERRNO PROGRAM ARGUMENT…

io_uring_setup then fails with ERRNO, a number; everything else works.
"""

import ctypes
import os
import struct
import sys

IO_URING_SETUP = 425  # the same on every architecture since Linux 5.1
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO = 0x7FFF0000, 0x00050000
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06


def main():
    errno, program = int(sys.argv[1]), sys.argv[2:]
    # code, jump if true, jump if false, operand; the system call's number is at offset 0.
    instructions = [
        (LOAD, 0, 0, 0),
        (JUMP_IF_EQUAL, 0, 1, IO_URING_SETUP),
        (RETURN, 0, 0, SECCOMP_RET_ERRNO | errno),
        (RETURN, 0, 0, SECCOMP_RET_ALLOW),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *instruction) for instruction in instructions))
    filter_program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(instructions), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
    for option, value, argument in [
        (PR_SET_NO_NEW_PRIVS, 1, 0),
        (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(filter_program)),
    ]:
        if libc.prctl(option, value, argument, 0, 0) != 0:
            sys.exit(f"prctl({option}): {os.strerror(ctypes.get_errno())}")
    os.execv(program[0], program)


main()
