# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many lines of test there are for one line of code: `python -m tests.tools.proportion`.

Lines of statements count: no blank lines, comments, docstrings or documentation of plugins.
"""

from __future__ import annotations

import ast
import io
import tokenize

from tests.tools.files import tracked

TESTS = ("integration", "trust", "unit")
LAYOUT = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
}


def statement_lines(source: str) -> int:
    """Return the number of lines with statements."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    lines = {line for each in tokens if each.type not in LAYOUT for line in range(each.start[0], each.end[0] + 1)}
    documentation = (node for node in ast.walk(ast.parse(source)) if _is_documentation(node))
    return len(lines.difference(*(range(node.lineno, node.end_lineno + 1) for node in documentation)))


def _is_documentation(node: ast.AST) -> bool:
    """Tell whether a statement is a docstring, or one of the texts that ansible-doc shows."""
    match node:
        case ast.Expr(value=ast.Constant(value=str())):
            return True
        case ast.Assign(targets=[ast.Name(id="DOCUMENTATION" | "EXAMPLES" | "RETURN")]):
            return True
    return False


def total(*patterns: str) -> int:
    """Return the number of lines with statements in the files of the project that match."""
    return sum(statement_lines(path.read_text(encoding="utf-8")) for path in tracked(*patterns))


def proportion() -> float:
    """Return the lines of test for one line of the collection."""
    return total(*(f"tests/{name}/**/*.py" for name in TESTS)) / total("plugins/**/*.py")


if __name__ == "__main__":
    print(f"{proportion():.2f} lines of test for one line of code")
