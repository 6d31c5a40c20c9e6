# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plugin of pytest that runs, for each mutation, the tests that reach the changed line, until one fails.

`tests/tools/mutations.py` runs it. Tests are collected once. Then each mutation is tried in a fork of that process,
which gives the functions of the module their mutated code. So a mutation costs what its tests cost. A mutation
outside of functions is seen only by a new process, which imports the module with it (MUTANT names its file), and so
is one that makes a function use other variables of its surroundings.
"""

from __future__ import annotations

import ast
import functools
import gc
import importlib.abc
import importlib.machinery
import itertools
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from time import process_time
from types import CodeType, FunctionType
from typing import IO, Any, cast

import coverage
import pytest
from hypothesis import Phase, settings

SEEN, UNSEEN, BROKEN = 1, 0, 97
NO_TEST_RAN = pytest.ExitCode.NO_TESTS_COLLECTED
MOST_SECONDS = 20.0
"""So much processor time the tests of a mutation may take together."""
WALL_SECONDS = 300
"""A mutation that makes the tests take longer than this, or much more processor time, counts as seen."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the mutations come from and their results go, how many, and with how many processes."""
    parser.addoption("--mutants", help="the command that prints the mutations")
    parser.addoption("--mutation-results", help="the file of the results")
    parser.addoption("--count", type=int, default=0)
    parser.addoption("--processes", type=int, default=1)
    parser.addoption("--measured", help="the file that keeps which tests reach which line")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """An example that fails need not become a small one."""
    phases = [Phase.explicit, Phase.generate]
    settings.register_profile("mutations", parent=settings.get_profile("ci"), phases=phases, database=None)
    settings.load_profile("mutations")


# --- a mutation outside of functions: a new process imports the module with it


class MutatedLoader(importlib.machinery.SourceFileLoader):
    """Loads one module from another source."""

    source = ""

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.source, self.path, "exec")


class MutatedFinder(importlib.abc.MetaPathFinder):
    """Finds that module before anybody else does."""

    def __init__(self, module: str, source: str) -> None:
        self.module, self.source = module, source
        self.name = module.removesuffix(".py").replace("/", ".")

    def find_spec(self, fullname, path, target=None):
        if not fullname.endswith(self.name):
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.origin is not None:
            spec.loader = MutatedLoader(fullname, spec.origin)
            spec.loader.source = self.source
        return spec


if "MUTANT" in os.environ:
    _mutant = json.loads(Path(os.environ["MUTANT"]).read_text(encoding="utf-8"))
    _tests = _mutant["tests"]
    sys.meta_path.insert(0, MutatedFinder(_mutant["module"], _mutant["source"]))
else:
    _tests = None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In such a process only the tests that were chosen, in their order."""
    if _tests is not None:
        place = {name: number for number, name in enumerate(_tests)}
        items[:] = sorted((item for item in items if item.nodeid in place), key=lambda item: place[item.nodeid])


# --- all other mutations: a fork of this process


class Chosen:
    """What each test reaches and how long it takes, from running all of them once."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.by_line: dict[tuple[str, int], set[str]] = defaultdict(set)
        self.failed: list[str] = []

    def measure(self, items: Sequence[pytest.Item], modules: Sequence[str], path: Path) -> None:
        """Run tests, and write what they reached of the modules; for a fork."""
        included = [f"*/{module}" for module in modules]
        measured = coverage.Coverage(data_file=None, config_file=False, include=included)
        self.failed = []  # those of other forks are known already
        watch = FirstFailure(self.failed.append)
        items[0].config.pluginmanager.register(watch)
        measured.start()
        for item, following in zip(items, [*items[1:], None], strict=True):
            measured.switch_context(item.nodeid)
            start = process_time()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            self.seconds[item.nodeid] = process_time() - start
        measured.stop()
        data = measured.get_data()
        lines = []
        for file in data.measured_files():
            module = f"plugins/{file.rpartition('/plugins/')[2]}"
            found = data.contexts_by_lineno(file)
            lines += [[module, line, [name for name in names if name]] for line, names in found.items()]
        path.write_text(json.dumps([self.seconds, lines, self.failed]), encoding="utf-8")

    def keep(self, path: Path) -> None:
        """Write all that was measured, for a later run."""
        lines = [[module, line, sorted(names)] for (module, line), names in self.by_line.items()]
        path.write_text(json.dumps([self.seconds, lines, self.failed]), encoding="utf-8")

    def add(self, path: Path) -> None:
        """Take what a fork has written, or an earlier run."""
        seconds, lines, failed = json.loads(path.read_text(encoding="utf-8"))
        self.seconds.update(seconds)
        self.failed += failed
        for module, line, names in lines:
            self.by_line[module, line].update(names)


class FirstFailure:
    """Tells the first test that fails."""

    def __init__(self, report_failure: Callable[[str], None]) -> None:
        self.report_failure = report_failure

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.report_failure(report.nodeid)


class Children:
    """Forks of this process, only so many at a time."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.running: dict[int, tuple[Path, Callable[[int, Path], None]]] = {}

    def start(self, work: Callable[[Path], int], done: Callable[[int, Path], None]) -> None:
        """Fork: `work` gets a folder and returns a status, which `done` gets later."""
        self.wait(self.most - 1)
        folder = Path(tempfile.mkdtemp(prefix="mutant-"))
        process = os.fork()
        if process:
            self.running[process] = (folder, done)
            return
        status = BROKEN
        try:
            os.setpgid(0, 0)
            nothing = os.open(os.devnull, os.O_RDWR)
            for number in range(3):
                os.dup2(nothing, number)
            os.environ.update(PYTEST_DEBUG_TEMPROOT=str(folder), TMPDIR=str(folder))
            tempfile.tempdir = None
            status = work(folder)
        finally:
            os._exit(status)

    def wait(self, most: int) -> None:
        """Wait until no more than so many are left, and end what they have started themselves."""
        while len(self.running) > most:
            process, status = os.wait()
            if process in self.running:
                folder, done = self.running.pop(process)
                with suppress(ProcessLookupError):
                    os.killpg(process, signal.SIGKILL)
                done(os.waitstatus_to_exitcode(status), folder)
                shutil.rmtree(folder, ignore_errors=True)


def header(tree: ast.Module, line: int) -> tuple[set[int], bool]:
    """The lines of the statement at a line, without those of its body, and whether it runs in a function."""
    found, inside, node = {line}, False, cast(ast.AST, tree)
    while True:
        inner = next((each for each in statements(node) if each.lineno <= line <= (each.end_lineno or 0)), None)
        if inner is None:
            return found, inside
        body = getattr(inner, "body", None)
        end = (inner.end_lineno or inner.lineno) + 1
        if isinstance(body, list):
            end = max(body[0].lineno, inner.lineno + 1)
            inside |= isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef)) and line >= body[0].lineno
        found, node = {line, *range(inner.lineno, end)}, inner


def statements(node: ast.AST) -> Iterator[ast.stmt]:
    """The statements in a statement."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            yield child
        elif isinstance(child, (ast.ExceptHandler, ast.match_case)):
            yield from statements(child)


def codes(code: CodeType) -> Iterator[CodeType]:
    """A code and all that is in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes(constant)


class Functions:
    """The functions of all modules, and their caches."""

    def __init__(self) -> None:
        self.by_module: dict[str, list[FunctionType]] = defaultdict(list)
        self.caches = []
        for each in gc.get_objects():
            if isinstance(each, FunctionType) and "/plugins/" in each.__code__.co_filename:
                module = each.__code__.co_filename.partition("/plugins/")[2]
                self.by_module[f"plugins/{module}"].append(each)
            elif isinstance(each, functools._lru_cache_wrapper) and "psa_sync" in (each.__module__ or ""):
                self.caches.append(each)

    def mutate(self, module: str, source: str) -> bool:
        """Give the functions of a module the code of another source. Returns whether all could take it: one that uses
        other variables of its surroundings than before cannot (`super()` is such a variable)."""
        for cache in self.caches:
            cache.cache_clear()
        changed = {}
        for code in codes(compile(source, module, "exec")):
            changed[code.co_qualname, code.co_firstlineno] = code
        for function in self.by_module[module]:
            old = function.__code__
            new = changed.get((old.co_qualname, old.co_firstlineno))
            if new is not None and new.co_freevars != old.co_freevars:
                return False
            if new is not None:
                function.__code__ = new.replace(co_filename=old.co_filename)
        return True


def _file(item: pytest.Item) -> Path:
    return item.path


def _file_of(name: str) -> str:
    """The file of a test, by the name of the test."""
    return name.partition("::")[0]


def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Try the mutations, in place of running the tests."""
    command = session.config.getoption("--mutants")
    if not command:
        return None
    Run(session, json.loads(command)).all()
    return True


class Run:
    """All mutations of a run."""

    def __init__(self, session: pytest.Session, command: Sequence[str]) -> None:
        self.command = command
        self.config = session.config
        self.items = {item.nodeid: item for item in session.items}
        self.modules = [part for part in command if part.startswith("plugins/")]
        self.trees = {module: ast.parse(Path(module).read_text(encoding="utf-8")) for module in self.modules}
        self.chosen = Chosen()
        self.children = Children(self.config.getoption("--processes"))
        self.results = open(self.config.getoption("--mutation-results"), "a", encoding="utf-8")  # noqa: SIM115
        self.sharp: Counter[str] = Counter()

    def all(self) -> None:
        """Measure the tests, then try one mutation after the other, as many as are wanted."""
        # The mutations are looked for while the tests are measured.
        with subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True) as source:
            self.measure()
            gc.collect()
            self.functions = Functions()
            gc.freeze()
            count = self.config.getoption("--count") or None
            for line in itertools.islice(cast(IO[str], source.stdout), count):
                self.try_one(json.loads(line))
            source.kill()
        self.children.wait(0)
        self.results.close()

    def measure(self) -> None:
        """Find out which test reaches which line. Raises pytest.Exit where one fails without any mutation."""
        kept = Path(self.config.getoption("--measured"))
        if kept.exists():
            self.chosen.add(kept)
            return
        # File by file, so that all processes are busy to the end; the slowest files are the last ones.
        for share in reversed([list(items) for _path, items in itertools.groupby(self.items.values(), _file)]):

            def work(folder: Path, share: Sequence[pytest.Item] = share) -> int:
                self.chosen.measure(share, self.modules, folder / "measured.json")
                return UNSEEN

            def done(status: int, folder: Path) -> None:
                if status != UNSEEN:
                    pytest.exit("The tests could not be measured.", returncode=3)
                self.chosen.add(folder / "measured.json")

            self.children.start(work, done)
        self.children.wait(0)
        if self.chosen.failed:
            pytest.exit(f"Fails without any mutation: {self.chosen.failed}", returncode=3)
        self.chosen.keep(kept)

    def try_one(self, mutant: dict[str, Any]) -> None:
        """Run the tests of a mutation in a fork."""
        module = mutant["module"]
        lines, inside = header(self.trees[module], mutant["line"])
        names = self.tests(module, lines if inside else None)
        limit = int(10 + 4 * sum(self.chosen.seconds[name] for name in names))

        def work(folder: Path) -> int:
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
            signal.alarm(WALL_SECONDS)
            if not names:
                return UNSEEN
            return (self.in_fork if inside else self.import_anew)(mutant, names, folder)

        def done(status: int, folder: Path) -> None:
            if status == BROKEN:
                pytest.exit(f"The tests of a mutation could not be run: {mutant['module']}:{mutant['line']}", BROKEN)
            seen_file = folder / "seen-by"
            seen_by = seen_file.read_text(encoding="utf-8") if seen_file.exists() else ""
            self.sharp[module, seen_by] += 1
            result = {key: mutant[key] for key in ("module", "line", "before", "after")}
            result |= {
                "seen": status not in (UNSEEN, NO_TEST_RAN),
                "status": status,
                "seen_by": seen_by,
                "tests": len(names),
            }
            self.results.write(json.dumps(result) + "\n")
            self.results.flush()

        self.children.start(work, done)

    def tests(self, module: str, lines: Collection[int] | None) -> list[str]:
        """The tests that reach any of the lines, or are in a file that reaches the module: those first that saw a
        mutation of it before, then quick ones, as long as they take together no more than `MOST_SECONDS`."""
        found = {
            name
            for (other, line), names in self.chosen.by_line.items()
            if other == module and (lines is None or line in lines)
            for name in names
        }
        seconds = self.chosen.seconds
        if lines is None:
            # A test that only looks at what a module holds reaches none of its lines. It stands beside those that do;
            # of a module without functions nothing tells which tests use it.
            files = set(map(_file_of, found or seconds))
            found = {name for name in seconds if _file_of(name) in files}
        order = sorted(found, key=lambda name: (-self.sharp[module, name], seconds[name]))
        together = itertools.accumulate(seconds[name] for name in order)
        return [name for name, so_far in zip(order, together, strict=True) if so_far < MOST_SECONDS] or order[:1]

    def in_fork(self, mutant: dict[str, Any], names: Sequence[str], folder: Path) -> int:
        """Change the functions of this process."""

        def report_failure(name: str) -> None:
            (folder / "seen-by").write_text(name, encoding="utf-8")
            os._exit(SEEN)

        if not self.functions.mutate(mutant["module"], mutant["source"]):
            return self.import_anew(mutant, names, folder)
        self.config.pluginmanager.register(FirstFailure(report_failure))
        items = [self.items[name] for name in names]
        for item, following in zip(items, [*items[1:], None], strict=True):
            self.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        return UNSEEN

    def import_anew(self, mutant: dict[str, Any], names: Sequence[str], folder: Path) -> int:
        """Become a new process that imports the module with the mutation."""
        path = folder / "mutant.json"
        path.write_text(json.dumps({**mutant, "tests": names}), encoding="utf-8")
        files = sorted(set(map(_file_of, names)))
        arguments = ["-q", "-x", "-n0", "-p", "no:cacheprovider", "-p", "tests.tools.mutation_runs", *files]
        os.environ["MUTANT"] = str(path)
        os.execv(sys.executable, [sys.executable, "-m", "pytest", *arguments])
