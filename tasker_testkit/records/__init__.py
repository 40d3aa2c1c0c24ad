"""Runs that are kept: recordings, scenarios, tasks from production, and today's handlers held against them."""
