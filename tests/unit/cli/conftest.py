"""Fixtures of this room."""

from fixtures_cli import *
