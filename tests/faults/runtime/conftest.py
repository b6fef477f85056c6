"""Fixtures of this room."""

from fixtures_runtime import *
