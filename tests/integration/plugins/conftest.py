"""Fixtures of this room."""

from fixtures_api import *
