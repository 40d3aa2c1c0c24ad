"""The search for failures: explorations of a workflow, what they find, and how that is told and kept."""
