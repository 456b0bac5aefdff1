"""The configuration of a container as Docker would make it of the image: bundle.py SECCOMP-PROFILE ARGUMENT...

The one difference: it has the machine's loopback, so that the test is a client.
"""

import json
import sys

profile = json.load(open(sys.argv[1]))
rules = [
    {
        "names": rule["names"],
        "action": rule["action"],
        **({"errnoRet": rule["errnoRet"]} if "errnoRet" in rule else {}),
        **({"args": rule["args"]} if "args" in rule else {}),
    }
    for rule in profile["syscalls"]
]
print(
    json.dumps(
        {
            "ociVersion": "1.0.2",
            "process": {
                "terminal": False,
                "user": {"uid": 65532, "gid": 65532},
                "args": ["/mimikyu", *sys.argv[2:]],
                "env": ["PATH=/"],
                "cwd": "/",
                "noNewPrivileges": True,
                "capabilities": {kind: [] for kind in ["bounding", "effective", "permitted"]},
                "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 4096, "soft": 1024}],
            },
            "root": {"path": "rootfs", "readonly": True},
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc"},
                {"destination": "/state", "type": "bind", "source": "rootfs/state", "options": ["bind", "rw"]},
            ],
            "linux": {
                "namespaces": [{"type": kind} for kind in ["pid", "mount", "ipc", "uts"]],
                "seccomp": {
                    "defaultAction": profile["defaultAction"],
                    "defaultErrnoRet": profile["defaultErrnoRet"],
                    "architectures": [entry["architecture"] for entry in profile["archMap"]],
                    "syscalls": rules,
                },
            },
        }
    )
)
