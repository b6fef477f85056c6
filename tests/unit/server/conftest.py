"""Fixtures of this room."""

from fixtures_registry import *
from fixtures_runtime import engine  # noqa: F401 - a fixture
