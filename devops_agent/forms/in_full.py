"""The form for a wish that says all of it, so that nothing is left for the model to choose.

To add one: a function that understands each word of a wish or none, and its place in one of the three below.
"""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from devops_agent import (
    archives,
    compose_wishes,
    container_wishes,
    conversions,
    file_answers,
    file_wishes,
    image_wishes,
    line_places,
    line_wishes,
    templates,
)
from devops_agent.files import is_file, is_folder
from devops_agent.forms import compose_change
from devops_agent.forms.form import FileEdit, Form
from devops_agent.forms.recipe import RecipeForm, form_of_commands
from devops_agent.forms.rewrite import Rewrite
from devops_agent.grounding import file_modes
from devops_agent.grounding.task_words import PATH
from devops_agent.patterns import LEAD, regex, said_in_full

RUNS = "Run a docker container"
DELETES_FOLDER = "Delete the folder"
# One thing that is said in two halves: "convert it and save it as".
_IN_HALVES = (
    line_wishes.collecting,
    line_wishes.sorted_table,
    line_wishes.reworked,
    conversions.converted,
    file_answers.wanted,
    container_wishes.to_run,
    compose_wishes.to_compose,
)


def is_one(task: str, directory: Path) -> bool:
    """Whether a task is one thing, though it may be said in two halves."""
    return any(each(task, directory) for each in _IN_HALVES)


def form_of(wish: str, told: Sequence[str], directory: Path) -> Form | None:
    """The form for a wish that says all of it; None for any other.

    Args:
        wish: The wish.
        told: Those before it in the task.
        directory: The working directory.
    """
    return (
        _of_text(wish, told, directory) or _of_containers(wish, directory) or _of_files(wish, told, directory)
    )


def _of_text(wish: str, told: Sequence[str], directory: Path) -> Form | None:
    """What is to be in a file."""
    if word_set := file_wishes.word_to_set(wish, directory):
        path, word, before = word_set
        return Rewrite(path, f"{word}\n", f'it becomes "{word}"', before)
    if pairs := file_wishes.pairs_to_write(wish, directory):
        path, text, mode = pairs
        if not mode:
            return Rewrite(path, text, "it has these pairs")
        lines, to = shlex.join(text.splitlines()), shlex.quote(path)
        written = f"(umask 077; printf '%s\\n' {lines} > {to})\nchmod {mode} -- {to}"
        return form_of_commands(f"Write {path}", written)
    if appended := line_wishes.appended(wish, directory):
        path, text, before = appended
        return Rewrite(path, text, "it is put behind the last line", before)
    if ignores := line_wishes.ignoring(wish, directory):
        return Rewrite(*ignores, "it has these patterns")
    if scheduled := line_wishes.scheduled(wish, directory):
        path, text, before = scheduled
        return Rewrite(path, text, "the job is put behind the last line", before)
    if appends := line_wishes.appended_to_it(wish, told):
        return form_of_commands("Append the line", appends)
    if table := line_wishes.sorted_table(wish, directory):
        path, text, source = table
        return Rewrite(path, text, "its rows are sorted", made_from=(source,))
    if reworked := line_wishes.reworked(wish, directory):
        path, text, source = reworked
        return Rewrite(path, text, "its lines are sorted or cleaned", made_from=(source,))
    if collects := line_wishes.collecting(wish, directory):
        return form_of_commands("Write the lines with the text to a file", collects)
    if placed := line_places.changed(wish, directory):
        return placed
    if answer := file_answers.appended(wish, directory):
        return form_of_commands(f"Append it to {answer.path}", answer.command)
    if (answer := file_answers.wanted(wish, directory, told)) and answer.command:
        return form_of_commands(f"Write it into {answer.path}", answer.command)
    return None


def _of_containers(wish: str, directory: Path) -> Form | None:
    """Containers, images and compose files."""
    if service := compose_change.change_of(wish, directory):
        return service
    if runs := container_wishes.to_run(wish, directory):
        return form_of_commands(RUNS, runs)
    if builds := image_wishes.to_build(wish, directory):
        return form_of_commands("Build a docker image", builds)
    if saves := image_wishes.to_save(wish):
        return form_of_commands("Save a docker image to a file", saves)
    if tags := image_wishes.to_tag(wish):
        return form_of_commands("Tag a docker image", tags)
    if composed := compose_wishes.to_compose(wish, directory):
        return Rewrite(*composed, "it has these services")
    return None


def _of_files(wish: str, told: Sequence[str], directory: Path) -> Form | None:
    """Files and folders as a whole."""
    if folders := file_wishes.folders_to_make(wish):
        return form_of_commands("Create the folders", f"mkdir -p -- {shlex.join(folders)}")
    if packs := archives.packing(wish, directory):
        return form_of_commands("Pack it into an archive", packs)
    if unpacks := archives.unpacking(wish, directory):
        return form_of_commands("Unpack the archive", unpacks)
    if copied := file_wishes.files_to_copy(wish, told, directory):
        files, target = copied
        return form_of_commands("Copy the files", f"cp -av -t {shlex.quote(target)} -- {shlex.join(files)}")
    if moved := file_wishes.moved(wish, directory):
        source, target, stays = moved
        names = shlex.join((source, target))
        if stays:
            return form_of_commands("Copy the file", f"cp -av -- {names}")
        return form_of_commands(_MOVES_FILE, f"mv -nv -- {names}\ntest ! -e {shlex.quote(source)}")
    if made := templates.filled(wish, directory):
        path, text, made_from = made
        return Rewrite(path, text, "it is the template with those values", made_from=made_from)
    if converted := conversions.converted(wish, directory):
        path, text, source = converted
        return Rewrite(path, text, f"it is {source} in the other format", made_from=(source,))
    if files := file_wishes.empty_files(wish, directory):
        return form_of_commands("Create the files", f"touch -- {shlex.join(files)}")
    if folder := file_wishes.folder_to_empty(wish, directory):
        return form_of_commands(
            "Delete what is in the folder", f"find {shlex.quote(folder)} -mindepth 1 -print -delete"
        )
    if folder := file_wishes.folder_to_delete(wish, directory):
        return form_of_commands(DELETES_FOLDER, f"rm -r -- {shlex.quote(folder)}")
    if changed := file_modes.file_and_mode(wish):
        path, mode = changed
        if is_file(directory / path) or any(path in PATH.findall(each) for each in told):
            return form_of_commands("Change the permissions", f"chmod {mode} -- {shlex.quote(path)}")
    return None


_MOVES_FILE = "Move the file"
_COMMITS = [
    regex(
        rf"{LEAD}commit (?:it|them|this|that|both|the (?:change|file)s?)(?: to git| in git)?"
        r"(?:,? with (?:the )?(?:commit )?message (?P<quote>[\"'`])(?P<message>[^\"'`]+)(?P=quote))?",
        re.IGNORECASE,
    )
]


def commit_of(wish: str, told: Sequence[str], before: Sequence[Form | None]) -> Form | None:
    """The commit of the files that were changed before, when each of them is known."""
    match = said_in_full(_COMMITS, wish)
    paths = [path for form in before for path in _changed_by(form)]
    if match is None or not all(map(_changed_by, before)) or not paths:
        return None
    message = match["message"] or told[-1][:1].upper() + told[-1][1:]
    files = shlex.join(dict.fromkeys(paths))
    return form_of_commands(
        "Commit it", f"git add -A -- {files}\ngit commit -m {shlex.quote(message)} -- {files}"
    )


def _changed_by(form: Form | None) -> list[str]:
    """The files that a form changes, where that is known."""
    if isinstance(form, FileEdit | Rewrite):
        return [form.path]
    if isinstance(form, RecipeForm) and form.title == _MOVES_FILE:
        moves = next(line for line in form.template.splitlines() if line.startswith("mv "))
        source, target = shlex.split(moves)[-2:]
        return [source, f"{target.rstrip('/')}/{Path(source).name}" if is_folder(Path(target)) else target]
    return []
