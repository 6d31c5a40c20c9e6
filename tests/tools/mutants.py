# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make the mutations of modules with Cosmic Ray; `tests/tools/mutations.py` runs this in an environment that has it.

`python tests/tools/mutants.py SEED MODULE ...` prints the mutations of all the modules in a random order, one JSON
object a line: module, line, before, after, and the source of the whole module with the mutation.
"""

from __future__ import annotations

import ast
import json
import random
import re
import sys
from collections.abc import Callable, Iterator
from difflib import ndiff
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

USELESS = re.compile(
    r"ReplaceBinaryOperator_BitOr_"  # nearly all of them are annotations, which nobody evaluates
    r"|ReplaceComparisonOperator_(Is_(Not)?Eq|IsNot_(Not)?Eq)$"  # the same for None and members of an enumeration
    r"|ReplaceComparisonOperator_(Eq|NotEq|Is|IsNot)_(Lt|Gt)"  # most values that are compared have no order
    r"|ReplaceComparisonOperator_(Eq|NotEq|Lt|LtE|Gt|GtE)_(Is|IsNot)$"
    r"|ReplaceBinaryOperator_(?!Add_Sub|Sub_Add|Mul_Add|Div_Mul|FloorDiv_Mul|Mod_Mul|BitAnd_BitOr|Pow_Mul)"
    r"|ReplaceUnaryOperator_\w+_(?:UAdd|USub|Invert)$"
    r"|RemoveDecorator|NoOp"  # without its decorator a name is something else, or slower
)
"""Kinds of mutations that say nothing about the tests: they change nothing as a rule, or break the module."""

SILENT = re.compile(
    r"strict=\w+"  # fails only where the code itself is wrong
    r"|maxsize=\s*\d+"  # takes only time
    r"|\[\s*(?:0|-1)\]"  # the first and the last of a list of one are the same
    r"|(?:not )?TYPE_CHECKING"  # only imports, of which only the start of a process knows
    r"|^[A-Z_]+(?:, [A-Z_]+)* = [\d._*, ]+"  # a number with a name is a choice: its rule is tested with whatever it is
)
"""Parts of a line of which a change says nothing."""

Make = Callable[[], "str | None"]


def places(source: str) -> Iterator[tuple[int, Make]]:
    """Each place of a mutation: its line, and what makes the source with it."""
    lines = source.splitlines()
    nodes = list(ast_nodes(get_ast(source)))
    for name in operator_names():
        operator_class = get_operator(name)
        if USELESS.search(name) or operator_class.arguments():
            continue
        operator = operator_class()
        positions = [position for node in nodes for position in operator.mutation_positions(node)]
        for occurrence, ((line, _column), _end) in enumerate(positions):
            if not lines[line - 1].lstrip().startswith("@"):
                yield line, lambda o=operator, n=occurrence: mutate_code(source, o, n)
    yield from more_places(source, lines)


def more_places(source: str, lines: list[str]) -> Iterator[tuple[int, Make]]:
    """What Cosmic Ray does not change: a call without result goes, a condition of a comprehension, `in`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, (ast.Call, ast.Yield, ast.YieldFrom)):
            yield node.lineno, lambda n=node: replaced(lines, n, "None")
        elif isinstance(node, ast.comprehension):
            for condition in node.ifs:
                yield condition.lineno, lambda n=condition: replaced(lines, n, "True")
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.In, ast.NotIn)):
            yield node.lineno, lambda n=node: replaced(lines, n, f"not ({ast.unparse(n)})")


def replaced(lines: list[str], node: ast.expr | ast.stmt, text: str) -> str:
    """The source with the text of a node replaced; the numbers of the lines stay."""
    assert node.end_lineno is not None and node.end_col_offset is not None
    first, last = lines[node.lineno - 1], lines[node.end_lineno - 1]
    start = first.encode()[: node.col_offset].decode()
    end = last.encode()[node.end_col_offset :].decode()
    span = node.end_lineno - node.lineno
    middle = [f"{start}{text}{end}"] if not span else [f"{start}({text}", *["    "] * (span - 1), f"){end}"]
    return "\n".join([*lines[: node.lineno - 1], *middle, *lines[node.end_lineno :]]) + "\n"


def change(old: list[str], new: list[str]) -> dict[str, str]:
    """The lines before and after, without the white space around them."""
    if len(old) == len(new):
        pairs = [(one, other) for one, other in zip(old, new, strict=True) if one != other]
        before, after = [one for one, _other in pairs], [other for _one, other in pairs]
    else:
        difference = list(ndiff(old, new))
        before = [line[2:] for line in difference if line.startswith("- ")]
        after = [line[2:] for line in difference if line.startswith("+ ")]
    return {"before": " ".join(map(str.strip, before)), "after": " ".join(map(str.strip, after))}


def is_valid(source: str) -> bool:
    """Whether Python takes it."""
    try:
        compile(source, "mutated", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


def same_but_silent(before: str, after: str) -> bool:
    """Whether two lines differ only in what says nothing."""
    return SILENT.sub("", before) == SILENT.sub("", after)


def main(seed: str, modules: list[str]) -> None:
    """Print the mutations, each once."""
    sources = {module: Path(module).read_text(encoding="utf-8") for module in modules}
    all_places = [(module, line, make) for module, source in sources.items() for line, make in places(source)]
    random.Random(seed).shuffle(all_places)
    seen: set[tuple[str, str]] = set()
    for module, line, make in all_places:
        changed = make()
        if changed is None or (module, changed) in seen or not is_valid(changed):
            continue
        seen.add((module, changed))
        lines = change(sources[module].splitlines(), changed.splitlines())
        if same_but_silent(lines["before"], lines["after"]):
            continue
        print(json.dumps({"module": module, "line": line, **lines, "source": changed}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
