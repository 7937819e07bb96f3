# SPDX-License-Identifier: GPL-2.0-or-later
"""One lab for each module that wants it, with a guest, g1, and a portald with the module's CONFIG in it."""
import contextlib
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "net")]

import gateway  # noqa: E402
import lab as lab_module  # noqa: E402
from hooks import families, pytest_collection_modifyitems, pytest_configure  # noqa: E402, F401


@pytest.fixture(scope="module")
def lab():
    gateway.add_accounts()
    lab_module.remove_stale()
    with lab_module.Lab() as the_lab:
        the_lab.add_guest("g1")
        yield the_lab


@contextlib.contextmanager
def serving(the_lab, config):
    """portald with this configuration; its tables go with it."""
    the_gateway = gateway.Gateway(the_lab, config)
    yield the_gateway
    the_gateway.close()
    the_gateway.teardown()


@pytest.fixture(scope="module")
def gw(request, lab):
    with serving(lab, getattr(request.module, "CONFIG", gateway.ONE_ZONE)) as the_gateway:
        yield the_gateway
