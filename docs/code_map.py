"""What docs/architecture.md has of the code: which part imports which, and what each module is.

python docs/code_map.py    # draws it anew; a test checks that it is up to date
"""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "architecture.md"
PACKAGE = "devops_agent"
TOP_LEVEL = ("agent", "ollama_backend", "smolagents_patches")
# The modules that lie in the package itself.
LOOSE = "devops_agent/*.py"
_START, _END = "```mermaid\n", "```\n"
_MODULES = "## The modules\n"


def part_of(module: str) -> str:
    """The part of the program that a module is in: a module at the top, a folder, or the loose ones."""
    names = module.split(".")
    if names[0] in TOP_LEVEL:
        return f"{names[0]}.py"
    if module == f"{PACKAGE}.__main__":
        return f"{PACKAGE}/__main__.py"
    is_folder = len(names) > 1 and (ROOT / PACKAGE / names[1]).is_dir()
    return f"{PACKAGE}/{names[1]}/" if is_folder else LOOSE


def imports() -> Mapping[str, set[str]]:
    """The parts that each part imports."""
    found: dict[str, set[str]] = {}
    files = [ROOT / f"{name}.py" for name in TOP_LEVEL] + sorted((ROOT / PACKAGE).rglob("*.py"))
    for file in files:
        module = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        own = part_of(module)
        parts = {part_of(each) for each in _imported(file) if each.split(".")[0] in (*TOP_LEVEL, PACKAGE)}
        found.setdefault(own, set()).update(parts - {own})
    return found


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            if node.module == PACKAGE:
                yield from (f"{PACKAGE}.{alias.name}" for alias in node.names)
            else:
                yield node.module


def picture() -> str:
    """The picture as a Mermaid flow chart. What all parts import, the loose modules, has no arrows."""
    lines = ["flowchart TD"]
    graph = imports()
    marks = {part: f"p{number}" for number, part in enumerate(sorted(graph))}
    lines += [f'    {marks[part]}["{part}"]' for part in sorted(graph)]
    for part in sorted(graph):
        lines += [f"    {marks[part]} --> {marks[other]}" for other in sorted(graph[part] - {LOOSE})]
    return "\n".join(lines) + "\n"


def modules() -> str:
    """The modules of the package, folder by folder, each with the first sentence of its docstring."""
    parts = []
    package = ROOT / PACKAGE
    folders = sorted({file.parent for file in package.rglob("*.py")})
    for folder in folders:
        files = sorted(file for file in folder.glob("*.py") if file.name != "__init__.py")
        lines = [f"| `{file.stem}` | {_summary(file)} |" for file in files]
        about = _summary(folder / "__init__.py") if folder != package else ""
        name = folder.relative_to(ROOT).as_posix()
        parts.append(
            "\n".join([f"### `{name}/`\n", *([f"{about}\n"] if about else []), "| | |\n|---|---|", *lines])
        )
    return "\n\n".join(parts) + "\n"


def _summary(file: Path) -> str:
    told = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return re.split(r"(?<=\.)\s", " ".join(told.partition("\n\n")[0].split()))[0].replace("|", "\\|")


def drawn(document: str) -> str:
    """A document with the picture and the modules of today in place of those that it has."""
    before, _, rest = document.partition(_START)
    after = rest.partition(_END)[2].partition(_MODULES)[0]
    return f"{before}{_START}{picture()}{_END}{after.rstrip()}\n\n{_MODULES}\n{modules()}"


if __name__ == "__main__":
    DOCUMENT.write_text(drawn(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
