"""Grounding: what a task names is looked up before the first step, with read-only commands.

A small model takes a container for a pod, drops a hyphen from a name, and changes what it has not looked at.
So it is told in a few lines what there is, what there is not, and what is wrong with it.
"""

from devops_agent.grounding.ground import Ground
from devops_agent.grounding.lookup import look_up, names_something
from devops_agent.grounding.task_words import field_of, rules_out, speaks_of, tells_of_trouble

__all__ = ["Ground", "field_of", "look_up", "names_something", "rules_out", "speaks_of", "tells_of_trouble"]
