"""The subcommands, a module each. None needs a model."""
