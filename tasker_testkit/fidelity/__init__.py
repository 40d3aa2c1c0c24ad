"""Where Tasker 0.1.8 parts from its documents, row by row: which fields make a row, what it did to a workflow."""
