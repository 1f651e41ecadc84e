"""Programs inside of commands: SQL, sed, awk, Python, Perl and mongosh. What is not understood is unknown."""

from devops_agent.policy.languages.analysis import Analysis, Part
from devops_agent.policy.languages.awk import awk
from devops_agent.policy.languages.mongo import mongo
from devops_agent.policy.languages.perl import perl
from devops_agent.policy.languages.python import python
from devops_agent.policy.languages.sed import sed
from devops_agent.policy.languages.sql import dot_command, output, sql

__all__ = ["Analysis", "Part", "awk", "dot_command", "mongo", "output", "perl", "python", "sed", "sql"]
