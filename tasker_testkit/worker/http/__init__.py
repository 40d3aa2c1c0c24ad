"""HTTP inside a run: requests of ``httpx`` clients are answered by routes, and never reach a network.

``gate`` stands before the transports of ``httpx``, ``line`` keeps a run's faults and requests, ``talking`` is what
happens to a request, ``asking`` finds its answer, ``routes`` are what a test says the answers are.
"""
