"""What this program needs on this machine: a module for each kind of thing, a function for each check."""
