"""Which edit of a file a task wants, and whether it wants one."""

import re
from pathlib import Path

from devops_agent import file_wishes
from devops_agent.forms import compose_service
from devops_agent.forms.compose_service import ComposeService
from devops_agent.forms.computed_edit import computed
from devops_agent.forms.form import FileEdit
from devops_agent.forms.line_edit import CHANGE, LineEdit, actions, patterns_in
from devops_agent.forms.recipe import RecipeForm
from devops_agent.forms.rewrite import Rewrite
from devops_agent.forms.setting_edit import SettingEdit, names_setting
from devops_agent.grounding import Ground
from devops_agent.grounding.task_words import NO_NAMES, PATH
from devops_agent.patterns import regex

# "Put a comment into app.ini", "Change app.ini so that"
_INTO_FILE = (
    r"\b(?:add|set|change|put|insert|append|update|bump|replace|edit|modify|adjust|extend|uncomment|comment"
    r"|enable|disable|remove|delete|increase|raise|lower|turn|switch|rename)\b[^.;]*?"
    r"(?:\b(?:to|in|into|from|of)\s+(?:the\s+|my\s+|our\s+)?(?:file\s+)?|\s(?:the\s+)?)[\"'`]?"
)
# "Convert config.yaml to config.json": a file is made of another, which stays as it is.
_MAKES_ANOTHER = regex(
    r"\b(?:convert|split|generate|render|mask)\b|\bsave (?:\w+ )?as\b|\bwith the same keys\b", re.IGNORECASE
)
# "in every .env file", "in all three config files": more than the one whose text is known.
_SEVERAL_FILES = regex(
    r"\b(?:in|across|of|to|from) (?:(?:every|each)(?: [\w.*-]+){0,2} files?|all(?: [\w.*-]+){0,3} files)\b",
    re.IGNORECASE,
)


def is_about_file(task: str, edit: FileEdit | Rewrite, ground: Ground, recipe: RecipeForm | None) -> bool:
    """Whether a task wants the text of that file changed, other than by a recipe that does so."""
    path = edit.path
    if isinstance(edit, Rewrite):
        return True
    if recipe and recipe.path:
        kinds = {Path(each).suffix.replace(".yml", ".yaml") for each in (recipe.path, path)}
        return len(kinds) == 1  # it would write another file of the kind
    if recipe and path in recipe.template:
        return False
    if _HERE.match(task.partition(path)[0]):
        return True  # "In web.yaml change …"
    in_cluster = ground.namespace or ground.names.keys() & {"deployment", "pod", "service"}
    return not in_cluster and _wants_changed(task, path)


# "with the variables from app.env", "as release.env gives it", "using app.env"
_SOURCE = regex(
    r"(?:\b(?:variables?|values?|settings?|read|load|take|taken|comes?|got|as|configuration|environment)\b[^.;]{0,30}"
    r"\bfrom|\bwith|\busing|\baccording to|\bby means of|\bas)\s+(?:the |my |our )?(?:file )?[\"'`]?$",
    re.IGNORECASE,
)


def _is_only_read(task: str, path: str) -> bool:
    """Whether a task names a file only as that from which something is taken."""
    starts = [match.start() for match in re.finditer(rf"(?<![\w./-]){re.escape(path)}(?![\w-])", task)]
    return bool(starts) and all(_SOURCE.search(task[:at]) for at in starts) and not _wants_changed(task, path)


def _wants_changed(task: str, path: str) -> bool:
    return bool(re.search(_INTO_FILE + re.escape(path), task, re.IGNORECASE))


_KEY = regex(r"^\s*(?:- )?[\"']?([A-Za-z][\w.-]*)[\"']?\s*[:=]", re.MULTILINE)
_HERE = regex(r"\s*(?:then )?in [\"'`]?$", re.IGNORECASE)


def is_in_file(wish: str, edit: FileEdit | Rewrite) -> bool:
    """Whether one of the wishes of a task is about the text of the file: it says so, or names a setting."""
    before, named, _ = wish.partition(edit.path)
    if named:
        return bool(_HERE.match(before)) or _wants_changed(wish, edit.path)
    said = {word.lower() for word in re.findall(r"[A-Za-z][\w.-]*\w", wish)} - NO_NAMES
    text = edit.text if isinstance(edit, FileEdit) else ""
    if PATH.search(wish):
        return False
    if isinstance(edit, SettingEdit) and not edit.inputs:
        return True
    return any(key.lower() in said for key in _KEY.findall(text)) or names_setting(edit.path, text, wish)


def _by_line(path: str, text: str, task: str, whole: str) -> LineEdit:
    """The edit by lines; of "it" the whole task tells the name."""
    texts = patterns_in(task, path) or patterns_in(whole, path)
    return LineEdit(path, text, actions(task, path), texts).given(task)


def edit_of(ground: Ground, task: str, directory: Path, whole: str = "") -> FileEdit | Rewrite | None:
    """An edit of the one short file that the task names, or wants changed among several."""
    several = {path: text for path, text in ground.texts.items() if len(text.splitlines()) > 1}
    meant = [path for path in several if len(several) == 1 or _wants_changed(task, path)]
    if len(meant) != 1:
        return None
    path, text = meant[0], several[meant[0]]
    if _is_only_read(task, path):
        return None
    if _MAKES_ANOTHER.search(task) or file_wishes.to_make(task, directory):
        return None
    if _SEVERAL_FILES.search(task) and not _wants_changed(_SEVERAL_FILES.sub(" ", task), path):
        return None
    if known := computed(path, text, task):
        return known
    if compose_service.wanted(task, path):
        return ComposeService(path, text, whole or task)  # which is told in several sentences
    by_value, by_line = SettingEdit(path, text, task, whole), _by_line(path, text, task, whole)
    if not by_value.inputs:
        return by_value
    if path.endswith(".json"):  # where lines have commas between them
        return by_value if by_value.settings and by_line.actions == (CHANGE,) else None
    if by_line.actions == (CHANGE,) and by_value.is_needed:
        return by_value
    return by_line if len(by_line.lines) > 1 else None
