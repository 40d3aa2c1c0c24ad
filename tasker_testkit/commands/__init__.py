"""The commands of the shell, a module each; ``cli`` has the table of them."""
