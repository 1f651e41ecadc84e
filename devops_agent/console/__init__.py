"""The interactive session on a terminal: its commands, completion and history."""
