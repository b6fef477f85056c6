"""Fixtures of this room."""

from fixtures_server import *
