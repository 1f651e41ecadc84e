"""Programs whose effect a table cannot tell: a function for each, by the areas of `policy/rules/`."""

from devops_agent.policy.programs import (
    cloud,
    containers,
    databases,
    files,
    git,
    interpreters,
    network,
    packages,
    shell,
    system,
)

__all__ = [
    "cloud",
    "containers",
    "databases",
    "files",
    "git",
    "interpreters",
    "network",
    "packages",
    "shell",
    "system",
]
