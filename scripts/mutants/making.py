"""Every mutant of a module: one condition, one side of one, or one refusal taken out."""

import ast
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
CHECK = re.compile(r"_?(check|verify|require|refuse)(_|$)")
LEAVES = (ast.Raise, ast.Return, ast.Continue, ast.Break)


@dataclass(frozen=True)
class Mutant:
    """One thing taken out. `lines`: a test that runs none of them cannot notice."""

    path: str
    where: str
    what: str
    lines: tuple[int, int]
    source: bytes

    @property
    def name(self) -> str:
        """As it stands in the file of equivalent ones."""
        return f"{self.path} {self.where} | {self.what}"


class _Maker(ast.NodeVisitor):
    """Every mutant of a module. An edit keeps the number of lines."""

    def __init__(self, path: str, source: bytes) -> None:
        self.path, self.source, self.made = path, source, list[Mutant]()
        self._starts = [0, *(match.end() for match in re.finditer(rb"\n", source))]
        self._where: list[str] = []
        self._in_function = 0
        self._seen: Counter[str] = Counter()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._within(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._within(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._within(node)

    def visit_If(self, node: ast.If) -> None:
        body = (node.body[0].lineno, node.body[0].end_lineno or 0)
        leaves = isinstance(node.body[-1], LEAVES)
        text = self._text(node.test)
        if leaves:
            self._edit(f"never: if {text}", node.test, "False", body)
        else:
            self._edit(f"always: if {text}", node.test, "True", _lines(node.test))
        # Without one side of an `or` a refusal is only ever met less.
        if leaves and isinstance(node.test, ast.BoolOp) and isinstance(node.test.op, ast.Or):
            self._operands(node.test, body)
        else:
            self.visit(node.test)
        alone = leaves and isinstance(node.body[-1], ast.Raise) and len(node.body) == 1
        for child in [*([] if alone else node.body), *node.orelse]:
            self.visit(child)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        text = self._text(node)
        self._edit(f"always the first: {text}", node.test, "True", _lines(node))
        self._edit(f"always the last: {text}", node.test, "False", _lines(node))
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        self._operands(node, _lines(node))

    def visit_Compare(self, node: ast.Compare) -> None:
        left, right = node.left, node.comparators[0]
        if isinstance(left, ast.Tuple) and isinstance(right, ast.Tuple) and len(node.ops) == 1:
            sign = self._between(left, right)
            for number, item in enumerate(left.elts):
                sides = [self._without(side, number) for side in (left, right)]
                what = f"without {self._text(item)} in {self._text(node)}"
                self._edit(what, node, f" {sign} ".join(sides), _lines(node))
        self.generic_visit(node)

    def _without(self, node: ast.Tuple, number: int) -> str:
        rest = [self._text(item) for n, item in enumerate(node.elts) if n != number]
        return f"({', '.join(rest)},)" if rest else "()"

    def visit_Raise(self, node: ast.Raise) -> None:
        self._edit(self._text(node), node, None, _lines(node))

    def visit_Expr(self, node: ast.Expr) -> None:
        call = node.value.value if isinstance(node.value, ast.Await) else node.value
        name = getattr(call, "func", None)
        called = getattr(name, "attr", getattr(name, "id", ""))
        if isinstance(call, ast.Call) and CHECK.match(called):
            self._edit(self._text(node), node, None, _lines(node))
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for test in node.ifs:
            self._edit(f"all of: if {self._text(test)}", test, "True", _lines(test))
        self.generic_visit(node)

    def _operands(self, node: ast.BoolOp, lines: tuple[int, int]) -> None:
        """Each side of an `and` or an `or` taken out, but for a value given by default."""
        word = "and" if isinstance(node.op, ast.And) else "or"
        last = node.values[-1]
        default = word == "or" and isinstance(last, ast.Constant | ast.Tuple | ast.Dict)
        for number, item in enumerate(() if default else node.values):
            rest = [f"({self._text(v)})" for n, v in enumerate(node.values) if n != number]
            what = f"without {self._text(item)} in {self._text(node)}"
            self._edit(what, node, f" {word} ".join(rest), lines)
        self.generic_visit(node)

    def _within(self, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        function = not isinstance(node, ast.ClassDef)
        self._where.append(node.name)
        self._in_function += function
        for child in node.body:
            self.visit(child)
        self._in_function -= function
        self._where.pop()

    def _edit(self, what: str, node: ast.AST, new: str | None, lines: tuple[int, int]) -> None:
        """Put an expression in the place of one, or `pass` in the place of a statement."""
        if not self._in_function:
            return
        start, end = self._span(node)
        old = self.source[start:end]
        pad = "\n" * (old.count(b"\n") - (new or "").count("\n"))
        text = f"pass{pad}" if new is None else f"({new}{pad})"
        where = ".".join(self._where)
        short = " ".join(what.split())
        self._seen[where + short] += 1
        count = self._seen[where + short]
        short = short if count == 1 else f"{short} ({count})"
        source = self.source[:start] + text.encode() + self.source[end:]
        self.made.append(Mutant(self.path, where, short, lines, source))

    def _span(self, node: ast.AST) -> tuple[int, int]:
        spot = {name: getattr(node, name) for name in ("lineno", "col_offset")}
        start = self._starts[spot["lineno"] - 1] + spot["col_offset"]
        return start, self._starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]

    def _text(self, node: ast.AST) -> str:
        start, end = self._span(node)
        return self.source[start:end].decode()

    def _between(self, left: ast.AST, right: ast.AST) -> str:
        return self.source[self._span(left)[1] : self._span(right)[0]].decode().strip(" ()\n")


def _lines(node: ast.AST) -> tuple[int, int]:
    return node.lineno, node.end_lineno  # type: ignore[attr-defined]


def mutants_of(path: str) -> list[Mutant]:
    """Every mutant of a module, in its order."""
    return mutants_in(path, (ROOT / path).read_bytes())


def names_of(path: str) -> set[str]:
    """The names of a module's mutants. None of them is read as Python."""
    return {mutant.name for mutant in _made(path, (ROOT / path).read_bytes())}


def mutants_in(path: str, source: bytes) -> list[Mutant]:
    """Every mutant of a source."""
    made = _made(path, source)
    for mutant in made:
        ast.parse(mutant.source)
    return made


def _made(path: str, source: bytes) -> list[Mutant]:
    maker = _Maker(path, source)
    maker.visit(ast.parse(source))
    return maker.made
