"""Whether a seccomp profile is one that Docker and a kubelet read, and lets through what mimikyu needs and nothing that it must not."""

import json
import sys

RING = {"io_uring_setup", "io_uring_enter", "io_uring_register"}
NEVER = {
    "add_key", "bpf", "init_module", "kexec_load", "keyctl", "mount", "pivot_root", "process_vm_readv", "ptrace", "reboot", "setns",
    "swapon", "umount2", "unshare", "userfaultfd",
}

profile = json.load(open(sys.argv[1]))
wrong = []
if profile["defaultAction"] != "SCMP_ACT_ERRNO":
    wrong.append("what is not named is let through")
allowed = [name for rule in profile["syscalls"] if rule["action"] == "SCMP_ACT_ALLOW" for name in rule["names"]]
free = {name for rule in profile["syscalls"] if rule["action"] == "SCMP_ACT_ALLOW" and not rule.get("args") for name in rule["names"]}
if RING - free:
    wrong.append(f"no ring without {sorted(RING - free)}")
if NEVER & set(allowed):
    wrong.append(f"lets through {sorted(NEVER & set(allowed))}")
if {"clone", "socket", "clone3"} & free:
    wrong.append("clone and socket are to be bound by their arguments")
twice = sorted({name for name in free if allowed.count(name) > 1})
if twice:
    wrong.append(f"named twice: {twice}")
for rule in profile["syscalls"]:
    unknown = set(rule) - {"names", "action", "args", "comment", "errnoRet", "includes", "excludes"}
    if unknown:
        wrong.append(f"unknown keys {sorted(unknown)}")
for line in wrong:
    print(f"{sys.argv[1]}: {line}", file=sys.stderr)
sys.exit(bool(wrong))
