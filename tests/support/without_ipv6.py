#!/usr/bin/python3
"""Runs the binary of WEIR_WITHOUT_IPV6 with these arguments as on a kernel without IPv6: socket(AF_INET6) fails with
EAFNOSUPPORT, by a seccomp filter that the program inherits."""

import ctypes
import errno
import os
import platform
import socket
import struct
import sys

SOCKET_CALL = {"x86_64": 41, "aarch64": 198}
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 22, 38, 2
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_RET|K
NUMBER, FIRST_ARGUMENT = 0, 16  # in struct seccomp_data
ALLOW, FAIL = 0x7FFF0000, 0x00050000 | errno.EAFNOSUPPORT


def is_possible():
    return platform.machine() in SOCKET_CALL


def forbid_ipv6():
    steps = [(LOAD, 0, 0, NUMBER), (JUMP_IF_EQUAL, 0, 3, SOCKET_CALL[platform.machine()]), (LOAD, 0, 0, FIRST_ARGUMENT),
             (JUMP_IF_EQUAL, 0, 1, socket.AF_INET6), (RETURN, 0, 0, FAIL), (RETURN, 0, 0, ALLOW)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    for call in ((PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0)):
        if libc.prctl(*call) != 0:
            raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    forbid_ipv6()
    os.execv(os.environ["WEIR_WITHOUT_IPV6"], [os.environ["WEIR_WITHOUT_IPV6"], *sys.argv[1:]])
