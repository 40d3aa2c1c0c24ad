"""The nouns: templates, states, profiles, faults, outcomes. Values only."""
