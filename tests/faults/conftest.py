"""Fixtures of this room."""

from fixtures_faults import *
