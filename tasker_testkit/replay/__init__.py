"""Runs that can be kept: files, redaction, and where a run parts from a recorded one."""
