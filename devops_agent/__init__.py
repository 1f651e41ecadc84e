"""What the engines, the agent and the command line share."""

__version__ = "0.1.0"
