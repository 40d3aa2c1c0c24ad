"""Reports of a run for people: the timeline as plain text and, on a terminal, with colours and boxes."""
