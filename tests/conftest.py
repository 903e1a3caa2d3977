"""Fixtures that all test folders share."""

pytest_plugins = ["tests.support.ceph", "tests.support.database"]
