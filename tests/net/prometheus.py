# SPDX-License-Identifier: GPL-2.0-or-later
"""Metrics as Prometheus reads them.  promtool is the judge of the format; scripts/test unpacks it (need_promtool)."""
import os
import re
import shutil
import subprocess

from gateway import REPO

PROMTOOL = shutil.which("promtool") or os.path.join(REPO, "build", "promtool", "usr", "bin", "promtool")


def check(text):
    """Without promtool this fails."""
    done = subprocess.run([PROMTOOL, "check", "metrics"], input=text, text=True, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0 and not done.stdout + done.stderr, done.stdout + done.stderr


def samples(text):
    """'name{labels}' -> value"""
    return {m[1]: float(m[2]) for m in re.finditer(r"^([a-z][^ ]*) ([^ ]+)$", text, re.MULTILINE)}


def metrics(gw):
    return samples(gw.ctl_raw("metrics").stdout)
