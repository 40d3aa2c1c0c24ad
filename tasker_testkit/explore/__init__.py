"""Which faults to try, what must hold, and the smallest plan that breaks it: the exploration of a workflow."""
