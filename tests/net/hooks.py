# SPDX-License-Identifier: GPL-2.0-or-later
"""What the suites in tests/net and tests/clients tell pytest."""
import pytest

families = pytest.mark.parametrize("family", [4, 6], ids=["ipv4", "ipv6"])
LONGEST = {"test_browser", "test_bulk", "test_checks", "test_config", "test_conformance", "test_end", "test_flush",
           "test_garden_names", "test_garden_restart", "test_limits", "test_opennds", "test_real", "test_responder",
           "test_store", "test_takeover"}


def pytest_configure(config):
    """A thread that dies is a test that fails."""
    config.addinivalue_line("filterwarnings", "error::pytest.PytestUnhandledThreadExceptionWarning")


def pytest_collection_modifyitems(items):
    """What lasts long begins first, so that no module runs alone at the end."""
    items.sort(key=lambda item: item.module.__name__ not in LONGEST)
