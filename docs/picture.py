"""The picture in docs/architecture.md: which part imports which, read from the code.

python docs/picture.py    # draws it anew; a test checks that it is up to date
"""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "architecture.md"
PACKAGE = "devops_agent"
TOP_LEVEL = ("agent", "ollama_backend", "smolagents_patches")
# The modules that lie in the package itself.
LOOSE = "devops_agent/*.py"
_START, _END = "```mermaid\n", "```\n"


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


def drawn(document: str) -> str:
    """A document with the picture of today in place of the one that it has."""
    before, _, rest = document.partition(_START)
    _, _, after = rest.partition(_END)
    return f"{before}{_START}{picture()}{_END}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(drawn(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
