"""Fixtures of this room."""

from fixtures_train import *
