# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the benchmark's programs are, and where it may write."""
import os
import types

PROGRAMS = ("loadgen", "reflector", "mhd511", "sender", "turns.so")


def make(build, bare_ack=False, paths=1):
    """FileNotFoundError if something is not built."""
    programs, results = os.path.join(build, "tests/bench"), os.path.join(build, "bench")
    for path in (*(os.path.join(programs, name) for name in PROGRAMS), os.path.join(build, "portald")):
        if not os.path.exists(path):
            raise FileNotFoundError(f"{path} is not there: build first")
    tools = types.SimpleNamespace(build=build, programs=programs, results=results, bare_ack=bare_ack, paths=paths,
                                  unpacked=os.path.join(results, "packages"), scratch=os.path.join(results, "scratch"))
    os.makedirs(tools.scratch, exist_ok=True)
    return tools
