"""Fixtures of this room."""

from fixtures_api import *
from fixtures_cli import *
