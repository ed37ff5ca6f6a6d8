"""Which functions of the services the edges reach, read from the source without importing it."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

Name = tuple[str, str]
"""Module and name in it."""


@dataclass
class Module:
    """What a module defines and imports; of each definition, the names it uses."""

    name: str
    uses: dict[str, set[tuple[str, ...]]] = field(default_factory=dict)
    functions: set[str] = field(default_factory=set)
    imports: dict[str, Name] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "Module":
        """A module's own statements; a class is one definition with all of its methods."""
        parts = path.relative_to(ROOT).with_suffix("").parts
        module = cls(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            module._note_imports(node)
        for statement in tree.body:
            for name in _defined(statement):
                module.uses.setdefault(name, set()).update(_used(statement))
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                module.functions.add(statement.name)
        return module

    def _note_imports(self, node: ast.AST) -> None:
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                self.imports[alias.asname or alias.name] = node.module, alias.name
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname:
                    package, _, name = alias.name.rpartition(".")
                    self.imports[alias.asname] = package, name


def _defined(statement: ast.stmt) -> Iterator[str]:
    """Names that a statement of a module binds; "" for one that only does something."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Assign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        yield from (node.id for node in targets if isinstance(node, ast.Name))
    elif not isinstance(statement, ast.Import | ast.ImportFrom):
        yield ""


def _used(statement: ast.stmt) -> Iterator[tuple[str, ...]]:
    """Names a statement reads, and attributes of names as pairs."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Name):
            yield (node.id,)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield node.value.id, node.attr


class Source:
    """The modules of some places, and what their names stand for."""

    def __init__(self, *places: str) -> None:
        paths = [path for place in places for path in files(place)]
        self.modules = {module.name: module for module in map(Module.read, paths)}

    def functions(self) -> set[Name]:
        """Every public function."""
        return {
            (module.name, name)
            for module in self.modules.values()
            for name in module.functions
            if not name.startswith("_")
        }

    def used_by(self, edges: "Source") -> set[Name]:
        """Definitions here that the modules of the edges name."""
        return {
            name
            for module in edges.modules.values()
            for uses in module.uses.values()
            for name in self._resolved(module, uses)
        }

    def reached_from(self, names: Iterable[Name]) -> set[Name]:
        """Definitions that are used by these, directly or through others, and these."""
        waiting, reached = list(names), set[Name]()
        while waiting:
            found = waiting.pop()
            if found not in reached:
                reached.add(found)
                module = self.modules[found[0]]
                waiting += self._resolved(module, module.uses[found[1]])
        return reached

    def _resolved(self, module: Module, uses: set[tuple[str, ...]]) -> Iterator[Name]:
        """The definitions here that names used in a module stand for."""
        for name, *attributes in uses:
            found = self._definition(module, name)
            if isinstance(found, tuple):
                yield found
            elif found is not None and attributes:
                attribute = self._definition(self.modules[found], attributes[0])
                if isinstance(attribute, tuple):
                    yield attribute

    def _definition(self, module: Module, name: str) -> Name | str | None:
        """Where a name of a module is defined; the module it names; None for what is elsewhere."""
        if name in module.uses:
            return (module.name, name) if module.name in self.modules else None
        if name not in module.imports:
            return None
        origin, original = module.imports[name]
        # A function that its package re-exports hides the module of the same name.
        if origin in self.modules and (found := self._definition(self.modules[origin], original)):
            return found
        qualified = f"{origin}.{original}"
        return qualified if qualified in self.modules else None


def files(place: str) -> list[Path]:
    """A module's file, or every module's of a package."""
    path = ROOT / place
    return [path] if path.suffix == ".py" else sorted(path.rglob("*.py"))
