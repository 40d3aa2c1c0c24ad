"""Hypothesis strategies made of a template and its schemas: inputs, results, fault plans, and templates themselves."""
