"""Fixtures of this room."""

from fixtures_agent import *
