"""Helpers that know nothing of distillation: files, text, logs, threads, locks, validation."""
