"""Helpers without knowledge of the domain: files, text, logs, threads, locks, validation."""
