"""The stages of a distillation, and the Python API (``public.py``)."""
