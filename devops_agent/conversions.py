"""Converting a file into another format, which a small model tries with tools that are not there."""

import configparser
import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from devops_agent import toml_file
from devops_agent.config_values import settings_of
from devops_agent.delimited import SEPARATORS
from devops_agent.files import is_file, is_folder, text_if_readable
from devops_agent.patterns import NO_NAME, regex, said_in_full

_LEAD = r"(?:(?:please|then|now|and|first|can you|could you) )*"
_FILE = r"(?:the )?(?:contents? of )?(?:the )?(?:file )?[\"'`]?(?P<{}>[\w./~-]*\w)[\"'`]?"
_SOURCE, _TARGET = _FILE.format("source"), _FILE.format("target")
_KIND = r"(?:a |an )?(?:valid )?(?P<kind>json|ya?ml|csv|\.?env|properties)(?: file| format)?"
_VERB = r"(?:convert|turn|transform|rewrite)"
_KEEP = r"(?:save|write|store|put|name|call)"
_AS = (
    r"(?: (?:called|named|as|in) "
    rf"|[,.;]? (?:and )?(?:then )?{_KEEP} (?:it |that |the result )?(?:as |in |into |to )?)"
)
# Nothing but the files and the format is said: each other word may mean another text.
_CONVERTS = [
    regex(_LEAD + said, re.IGNORECASE)
    for said in (
        rf"{_VERB} {_SOURCE} (?:from \w+ )?(?:in)?to {_KIND}(?:{_AS}{_TARGET})?",
        rf"{_VERB} {_SOURCE} (?:in)?to {_TARGET}",
        rf"{_KEEP} {_SOURCE} as {_KIND} (?:as|in|into|to) {_TARGET}",
    )
]
_NUMBER = regex(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?")
# A value that means the same in each dialect of such files.
_PLAIN = regex(r"[^\s\"'\\#;$`]*")


def converted(wish: str, directory: Path) -> tuple[str, str, str] | None:
    """The file that a wish wants made of another one, its text in the other format, and that other one.

    Returns:
        None where the wish says more than that, or the other format cannot hold all of it.
    """
    said = said_in_full(_CONVERTS, wish)
    if said is None:
        return None
    named = said.groupdict()
    source, kind = named["source"], (named.get("kind") or "").lower()
    target = named.get("target") or (kind if kind == ".env" else str(Path(source).with_suffix(f".{kind}")))
    if Path(target).name.lower() in NO_NAME or Path(source) == Path(target) or is_folder(directory / target):
        return None
    have, wanted = _kind(source), f".{kind.lstrip('.')}" if kind else _kind(target)
    if _READERS.get(_kind(target)) is not _READERS.get(wanted):
        return None  # its name promises another format, or none
    reader, writer = _READERS.get(have), _WRITERS.get(wanted)
    text = text_if_readable(directory / source)
    if text is None or reader is None or writer is None or reader == _READERS.get(wanted):
        return None
    if not named.get("target") and is_file(directory / target):
        return None  # it was not said that this may go
    try:
        return target, writer(reader(text)), source
    except (
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        RecursionError,
        csv.Error,
        configparser.Error,
    ):
        return None


def _kind(path: str) -> str:
    return ".env" if Path(path).name == ".env" else Path(path).suffix.lower()


def _of_yaml(text: str) -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        """Reads a date as the word that it is."""

    def mapping(loader: Loader, node: Any) -> dict[Any, Any]:
        return _once(
            [
                (loader.construct_object(key), loader.construct_object(value, deep=True))
                for key, value in node.value
            ]
        )

    def number(loader: Loader, node: Any) -> Any:
        if re.match(r"[-+]?0\d", node.value) or "_" in node.value or ":" in node.value:
            raise ValueError("a number of another base")
        return yaml.SafeLoader.construct_yaml_int(loader, node)

    def word(loader: Loader, node: Any) -> str:
        return str(loader.construct_scalar(node))

    Loader.add_constructor("tag:yaml.org,2002:timestamp", word)
    Loader.add_constructor("tag:yaml.org,2002:map", mapping)
    Loader.add_constructor("tag:yaml.org,2002:int", number)
    try:
        value = yaml.load(text, Loader)
    except yaml.YAMLError as error:  # also of several documents
        raise ValueError(str(error)) from error
    _refuse_odd_keys(value)
    return value


def _once(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    """A mapping; raises ValueError where a key is there twice, of which one would be lost."""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key is there twice")
    return made


def _of_json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_once)


def _refuse_odd_keys(value: Any) -> None:
    """Raises ValueError where a key is no text: `on` is true in YAML, and a number is none in JSON."""
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _refuse_odd_keys(each)
    if isinstance(value, dict) and not all(isinstance(key, str) for key in value):
        raise ValueError("a key is no text")


def _of_pairs(text: str) -> dict[str, str]:
    found = settings_of("values.env", text)
    values = {name: text[at.start : at.end] for name, at in found.items()}
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith(("#", "!"))]
    if (
        len(lines) != len(values)
        or any(" #" in name for name in values)
        or any("\\" in value for value in values.values())
    ):
        raise ValueError("not all of it are pairs")
    return values


def _of_ini(text: str) -> dict[str, dict[str, str]]:
    parser = configparser.ConfigParser(interpolation=None, default_section="")
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    return {name: dict(parser[name]) for name in parser.sections()}


def _of_table(separator: str) -> Callable[[str], list[dict[str, Any]]]:
    def read(text: str) -> list[dict[str, Any]]:
        table = csv.DictReader(io.StringIO(text), delimiter=separator, strict=True)
        rows, header = list(table), table.fieldnames or ()
        if (
            not rows
            or len(set(header)) != len(header)
            or any(None in row or None in row.values() for row in rows)
        ):
            raise ValueError("its rows are not of one length")
        numbers = {name for name in rows[0] if all(_NUMBER.fullmatch(row[name]) for row in rows)}
        return [
            {name: json.loads(cell) if name in numbers else cell for name, cell in row.items()}
            for row in rows
        ]

    return read


def _to_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _to_yaml(value: Any) -> str:
    import yaml

    class Dumper(yaml.SafeDumper):
        """Quotes what other readers of YAML take for a number or a switch."""

    def word(dumper: Dumper, text: str) -> Any:
        is_odd = re.fullmatch(r"[-+.\d][\w.+-]*|[yYnN]", text) is not None
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="'" if is_odd else None)

    Dumper.add_representer(str, word)
    return str(yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=10_000))


def _to_pairs(value: Any) -> str:
    lines = [f"{name}={_word(each)}" for name, each in value.items()]
    if not all(re.fullmatch(r"[\w.-]+", name) for name in value):
        raise ValueError("a key is no name")
    return "\n".join(lines) + "\n"


def _word(value: Any) -> str:
    """A value in one word; raises ValueError where it is none."""
    word = json.dumps(value) if isinstance(value, bool) else str(value)
    if isinstance(value, dict | list | None) or not _PLAIN.fullmatch(word):
        raise ValueError("a value is no word")
    return word


def _to_csv(value: Any) -> str:
    names = list(value[0])
    if not all(list(row) == names for row in value):
        raise ValueError("the entries have not the same keys")
    cells = [each for row in value for each in row.values()]
    if any(isinstance(each, dict | list | None) for each in cells):
        raise ValueError("a cell is no text")
    printed = io.StringIO()
    writer = csv.writer(printed, lineterminator="\n")
    writer.writerow(names)
    told = [[json.dumps(each) if isinstance(each, bool) else each for each in row.values()] for row in value]
    writer.writerows(told)
    return printed.getvalue()


_READERS: Mapping[str, Callable[[str], Any]] = {
    ".json": _of_json,
    ".yaml": _of_yaml,
    ".yml": _of_yaml,
    ".toml": lambda text: json.loads(json.dumps(toml_file.loads(text), default=str)),
    ".env": _of_pairs,
    ".properties": _of_pairs,
    ".ini": _of_ini,
    **{suffix: _of_table(separator) for suffix, separator in SEPARATORS.items()},
}
_WRITERS: Mapping[str, Callable[[Any], str]] = {
    ".json": _to_json,
    ".yaml": _to_yaml,
    ".yml": _to_yaml,
    ".env": _to_pairs,
    ".properties": _to_pairs,
    ".csv": _to_csv,
}
