"""The errors that a caller of this project meets, and the exit codes they lead to.

DevOpsAgentError
├── ModelMistake          the model can correct it: its text is fed back as the observation
│   ├── ProtocolError     the reply holds no well-formed tool call
│   └── CallRefused       the call is not run: a placeholder, a repetition, an interactive command, …
├── ToolError             a tool ran and failed; the model reads why and goes on
└── UserError             the user can correct it: one line on stderr and an exit code
    ├── OutputError       1: the answer cannot be written
    ├── UsageError        2: flags, environment or configuration file
    └── EngineError       3: no model, no engine, or it died
        ├── EngineUnreachable
        ├── ModelNotFound
        └── ContextOverflow

`transfer.py` and `lenient_json.py` have errors of their own, which their callers catch. Anything else that
escapes is a bug and shows its traceback.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process returns; documented in the README."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    ENGINE = 3
    REFUSED = 4
    INTERRUPTED = 130


class DevOpsAgentError(Exception):
    """Base of all errors of this project."""


class ModelMistake(DevOpsAgentError):
    """The model did something that it can correct; the text says how, in one short line."""


class ProtocolError(ModelMistake):
    """The reply holds no well-formed tool call."""


class CallRefused(ModelMistake):
    """The call is well formed and is not run, for the reason in the text.

    Attributes:
        never: Whether it is refused in every mode, whoever approves it.
    """

    def __init__(self, reason: str, never: bool = False) -> None:
        super().__init__(reason)
        self.never = never


class ToolError(DevOpsAgentError):
    """A tool could not do what it was asked; the text tells the model what to do."""


class UserError(DevOpsAgentError):
    """The user can correct it; the text is one line that says what to do next."""

    exit_code = ExitCode.FAILED


class OutputError(UserError):
    """The answer cannot be written, because a disk is full for instance."""


class UsageError(UserError):
    """Flags, environment or configuration do not make sense."""

    exit_code = ExitCode.USAGE


class EngineError(UserError):
    """No engine or model could be used, or it died."""

    exit_code = ExitCode.ENGINE


class EngineUnreachable(EngineError):
    """Nothing answers at the engine's address."""


class ModelNotFound(EngineError):
    """The engine runs, and does not have the model."""


class ContextOverflow(EngineError):
    """The conversation is longer than the context window."""
