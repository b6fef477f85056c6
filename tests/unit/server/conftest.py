"""Fixtures of this room."""

from fixtures_registry import *
