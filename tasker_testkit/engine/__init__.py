"""The simulated Tasker: a sans-IO engine on a simulated clock."""
