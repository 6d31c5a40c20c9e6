# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The architecture, held against the source text: who may import whom, who may write, what each file carries."""

from __future__ import annotations

import ast
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pytest
import yaml

from tests.tools.files import ROOT, project_files

COLLECTION = "ansible_collections.msp.psa_sync"
UTILS = f"{COLLECTION}.plugins.module_utils"

# What each part may import of the collection, beside itself. Arrows point one way.
ARROWS = {
    "modules": {"_ansible"},
    "action": {"plugin_utils", "_ansible"},
    "inventory": {"plugin_utils", "_ansible"},
    "callback": {"plugin_utils", "_ansible"},
    "lookup": {"plugin_utils", "_ansible"},
    "plugin_utils": {"_ansible", "_engine"},
    "doc_fragments": set(),
    "_ansible": {"_sync", "_store", "_clients", "_engine"},
    "_sync": {"_clients", "_store", "_engine"},
    "_store": {"_clients", "_engine"},
    "_clients": {"_engine"},
    "_engine": set(),
}
# What a client may know of the rules: the records, how to fail, how names are compared, and how text is cleaned.
CLIENTS_SEE = {f"{UTILS}._engine.{name}" for name in ("model", "errors", "text", "output")}

# The rules are pure: of the standard library they see only what has no clock, no chance and no world.
PURE_MODULES = {
    "__future__",
    "abc",
    "bisect",
    "collections",
    "collections.abc",
    "copy",
    "dataclasses",
    "datetime",
    "decimal",
    "difflib",
    "enum",
    "fnmatch",
    "fractions",
    "functools",
    "hashlib",
    "html",
    "html.entities",
    "html.parser",
    "itertools",
    "json",
    "math",
    "operator",
    "re",
    "string",
    "types",
    "typing",
    "unicodedata",
    "urllib.parse",
    "uuid",
}
# Libraries whose functions are pure, with the files of the rules that import them, and only where they are needed.
PURE_LIBRARIES = {"phonenumbers": ("_engine/numbering_plans.py", "_engine/phones.py")}
IMPURE_BUILTINS = {"__import__", "breakpoint", "compile", "eval", "exec", "input", "open", "print"}
IMPURE_ATTRIBUTES = {"now", "today", "utcnow", "uuid1", "uuid4"}

# All ways to the network: one file sends, the others make its connections, bound them in time, and read addresses
# and errors.
NETWORK = {
    "aiohttp",
    "ansible.module_utils.urls",
    "ftplib",
    "http.client",
    "httpx",
    "requests",
    "smtplib",
    "socket",
    "ssl",
    "urllib.request",
    "urllib3",
    "xmlrpc",
}
HTTP_FILES = {f"_clients/{name}.py" for name in ("session", "transport", "deadline", "addresses", "network_errors")}
WRITING = re.compile(r"^(create|update|delete|set|patch)_")
WRITING_VERBS = {"POST", "PUT", "PATCH", "DELETE"}
SENDING = {"write", "write_one", "delete"}  # of `_clients/itglue_requests.py`

SPDX = ": ".join(("SPDX-License-Identifier", "GPL-3.0-or-later"))
SCRIPTS = {"Makefile", "run"}
ATTRIBUTES = {"check_mode", "diff_mode", "idempotent", "platform", "action_group"}


@dataclass(frozen=True)
class Source:
    """One Python file of plugins/."""

    path: Path

    @cached_property
    def text(self) -> str:
        return (ROOT / self.path).read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, str(self.path))

    @property
    def part(self) -> str:
        """The key in ARROWS."""
        kind = self.path.parts[1]
        return self.path.parts[2] if kind == "module_utils" else kind

    @property
    def short(self) -> str:
        """The path below module_utils, or below plugins."""
        below = Path("plugins", "module_utils") if self.path.parts[1] == "module_utils" else Path("plugins")
        return self.path.relative_to(below).as_posix()

    @property
    def module(self) -> str:
        return f"{COLLECTION}." + ".".join(self.path.with_suffix("").parts)

    def imports(self) -> Iterator[tuple[int, str, str | None]]:
        """Line, module, and name, of each import; modules of the collection by their full name."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield node.lineno, alias.name, None
            elif isinstance(node, ast.ImportFrom):
                package = self.module.split(".")[: -node.level] if node.level else []
                module = ".".join([*package, *filter(None, [node.module])])
                for alias in node.names:
                    if module in (f"{COLLECTION}.plugins", UTILS):  # from .. import _engine
                        yield node.lineno, f"{module}.{alias.name}", None
                    else:
                        yield node.lineno, module, alias.name

    def at(self, node: ast.AST | int) -> str:
        return f"{self.path}:{node if isinstance(node, int) else node.lineno}"


@cache
def sources() -> tuple[Source, ...]:
    found = tuple(Source(path) for path in project_files() if path.parts[0] == "plugins" and path.suffix == ".py")
    assert len(found) > 20
    return found


def part_of(module: str) -> str | None:
    """The key in ARROWS of a module of the collection."""
    if not module.startswith(f"{COLLECTION}.plugins."):
        return None
    names = module.removeprefix(f"{COLLECTION}.plugins.").split(".")
    return names[1] if names[0] == "module_utils" else names[0]


def is_below(module: str, packages: set[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def targets(module: str, name: str | None) -> set[str]:
    """What an import may mean: the module, or, for `from package import module`, what is in it."""
    return {module} if name is None else {module, f"{module}.{name}"}


# --------------------------------------------------------------------- arrows


def test_every_part_has_its_arrows():
    assert {source.part for source in sources()} <= set(ARROWS)


@pytest.mark.parametrize("part", ARROWS)
def test_arrows_point_one_way(part):
    allowed = ARROWS[part] | {part}
    wrong = [
        f"{source.at(line)} imports {module}"
        for source in sources()
        if source.part == part
        for line, module, dummy in source.imports()
        if part_of(module) not in allowed | {None}
    ]
    assert wrong == []


def test_no_module_or_plugin_imports_another():
    """Modules, action plugins and fragments are loaded by name, not by import."""
    wrong = [
        f"{source.at(line)} imports {module}"
        for source in sources()
        for line, module, dummy in source.imports()
        if part_of(module) in {"modules", "action", "inventory", "callback", "lookup", "doc_fragments"}
    ]
    assert wrong == []


def test_clients_know_things_and_errors_but_no_rule():
    wrong = [
        f"{source.at(line)} imports {name} from {module}"
        for source in sources()
        if source.part == "_clients"
        for line, module, name in source.imports()
        if part_of(module) == "_engine" and not targets(module, name) & CLIENTS_SEE
    ]
    assert wrong == []


def test_ansible_is_known_to_the_glue_alone():
    """module_utils see `ansible.module_utils`, and of those only the glue does."""
    wrong = [
        f"{source.at(line)} imports {module}"
        for source in sources()
        for line, module, name in source.imports()
        if is_below(module, {"ansible"})
        and source.path.parts[1] == "module_utils"
        and not (source.part == "_ansible" and is_below(module, {"ansible.module_utils"}))
    ]
    assert wrong == []


# --------------------------------------------------------------------- purity


def test_the_rules_import_nothing_impure():
    wrong = [
        f"{source.at(line)} imports {module}"
        for source in sources()
        if source.part == "_engine"
        for line, module, dummy in source.imports()
        if part_of(module) is None and module not in PURE_MODULES and source.short not in PURE_LIBRARIES.get(module, ())
    ]
    assert wrong == []


def test_the_libraries_of_the_rules_are_imported_only_where_they_are_needed():
    """An import at the top costs every process, and ansible-test imports each file without libraries."""
    wrong = [
        source.at(node)
        for source in sources()
        if source.part == "_engine"
        for node in source.tree.body
        if isinstance(node, ast.Import | ast.ImportFrom) and PURE_LIBRARIES.keys() & set(imported(node))
    ]
    assert wrong == []


def imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]


def test_the_rules_touch_neither_clock_nor_chance_nor_world():
    wrong = []
    for source in sources():
        if source.part != "_engine":
            continue
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Name) and node.id in IMPURE_BUILTINS:
                wrong.append(f"{source.at(node)} uses {node.id}")
            if isinstance(node, ast.Attribute) and node.attr in IMPURE_ATTRIBUTES:
                wrong.append(f"{source.at(node)} uses {node.attr}")
    assert wrong == []


# ----------------------------------------------------------- who sends, who writes


def test_one_file_sends():
    """Only the session imports the ways to the network; msal, which has its own, gets ours."""
    wrong = []
    for source in sources():
        if source.short in HTTP_FILES:
            continue
        for line, module, name in source.imports():
            if any(is_below(target, NETWORK) for target in targets(module, name)):
                wrong.append(f"{source.at(line)} imports {module}")
            if is_below(module, {"msal"}) and source.short != "_clients/graph_tokens.py":
                wrong.append(f"{source.at(line)} imports msal")
    assert wrong == []


def test_the_file_that_makes_connections_sends_nothing():
    """`transport.keep_alive` makes a session of requests, and only `session.py` may have it."""
    wrong = []
    for source in sources():
        if source.short == "_clients/session.py" or not re.search(r"requests\.|keep_alive|session\.", source.text):
            continue
        for node in ast.walk(source.tree):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            sends = re.fullmatch(r"requests\.(?!(Session|PreparedRequest)$)\w+", called) or (
                source.short == "_clients/transport.py" and re.fullmatch(r"session\.(?!mount$)\w+", called)
            )
            if sends or called.endswith("keep_alive"):
                wrong.append(f"{source.at(node)} calls {called}")
    assert wrong == []


def test_msal_sends_through_our_session():
    makers = [
        (source, node)
        for source in sources()
        if "ClientApplication" in source.text
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("ClientApplication")
    ]
    assert makers
    assert [
        source.at(node) for source, node in makers if "http_client" not in {keyword.arg for keyword in node.keywords}
    ] == []


def client_classes() -> list[tuple[Source, ast.ClassDef]]:
    return [
        (source, node)
        for source in sources()
        if source.part == "_clients"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef) and (node.name.endswith("Client") or node.name == "ItGlueAssets")
    ]


def public_methods(node: ast.ClassDef) -> Iterator[ast.FunctionDef]:
    return (item for item in node.body if isinstance(item, ast.FunctionDef) and not item.name.startswith("_"))


@cache
def writers() -> frozenset[str]:
    """The methods of the clients that change something, found by their names."""
    names = {
        method.name for dummy, node in client_classes() for method in public_methods(node) if WRITING.match(method.name)
    }
    assert names >= {"create_contacts", "update_contacts", "create_asset", "update_asset", "create_contact"}
    return frozenset(names)


def uses_of_writers(source: Source) -> Iterator[tuple[ast.AST, str]]:
    """Calls, references and names in strings."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and node.attr in writers():
            yield node, node.attr
        elif isinstance(node, ast.Constant) and node.value in writers():
            yield node, str(node.value)


def test_one_place_writes():
    """Contacts are written by the two writers, and reverted by `_sync/revert.py`; `_sync/probe_contacts.py`
    writes those that it has made itself; settings are written by `_store`. Nobody else can write at all."""
    of_contacts = {f"_sync/{name}.py" for name in ("itglue_writer", "bms_writer", "revert", "probe_contacts")}
    wrong = []
    for source in sources():
        if source.part == "_clients":
            continue
        for node, name in uses_of_writers(source):
            is_of_settings = "asset" in name
            if not (source.part == "_store" if is_of_settings else source.short in of_contacts):
                wrong.append(f"{source.at(node)} uses {name}")
    assert wrong == []


def test_the_probe_writes_its_own_contacts_only():
    """Each method that writes has looked for the probe's mark, and only the probe has these contacts."""
    (source,) = (each for each in sources() if each.short == "_sync/probe_contacts.py")
    writing = 0
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef):
            used = {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}
            if used & writers():
                writing += 1
                assert used & {"_check", "marked"} or node.name == "_deactivated", node.name
    assert writing >= 6
    users = [
        each.short
        for each in sources()
        for dummy, module, name in each.imports()
        if name is not None and module.endswith("._sync.probe_contacts")
    ]
    assert set(users) == {f"_sync/{name}.py" for name in ("probe", "probe_bms", "probe_itglue")}


def test_both_places_write():
    """The test above would pass if it looked for the wrong names."""
    used = {source.short: {name for dummy, name in uses_of_writers(source)} for source in sources()}
    assert used["_sync/itglue_writer.py"] >= {"create_contacts", "update_contacts", "update_contact"}
    assert used["_sync/bms_writer.py"] >= {"create_contact", "set_contact", "patch_emails", "patch_phones"}
    assert {"create_asset", "update_asset"} <= set().union(*(used[name] for name in used if name.startswith("_store/")))


def writing_methods(node: ast.ClassDef) -> set[str]:
    """The methods of a class that name a writing verb, or call what sends one, or such a method of their own class."""
    methods = {item.name: list(ast.walk(item)) for item in node.body if isinstance(item, ast.FunctionDef)}
    found = {
        name
        for name, nodes in methods.items()
        if any(
            (isinstance(each, ast.Constant) and each.value in WRITING_VERBS)
            or (isinstance(each, ast.Attribute) and each.attr in SENDING)
            for each in nodes
        )
    }
    while more := {
        name
        for name, nodes in methods.items()
        if name not in found
        and any(
            isinstance(each, ast.Attribute) and ast.unparse(each) in {f"self.{one}" for one in found} for each in nodes
        )
    }:
        found |= more
    return found


def test_what_changes_something_is_named_so():
    """Each public method of a client that leads to a writing verb bears one of the names that are looked for."""
    found = {
        f"{node.name}.{name}": bool(WRITING.match(name))
        for dummy, node in client_classes()
        for name in writing_methods(node)
        if not name.startswith("_")
    }
    assert found.keys() >= {"ItGlueClient.delete_contacts", "BmsClient.patch_emails", "BmsClient.create_contact"}
    assert [name for name, is_named_so in found.items() if not is_named_so] == []


def test_the_session_stays_with_the_clients():
    wrong = [
        f"{source.at(line)} imports {name}"
        for source in sources()
        if source.part != "_clients"
        for line, module, name in source.imports()
        if "HttpSession" in {name, module.rsplit(".", 1)[-1]}
    ]
    assert wrong == []


# ------------------------------------------------------------- modules and plugins


def names_of(kind: str) -> set[str]:
    return {source.path.stem for source in sources() if source.part == kind}


def load_yaml(path: str) -> dict:
    return yaml.safe_load((ROOT / path).read_text())


def test_each_module_has_an_action_plugin_and_the_reverse():
    assert names_of("modules")
    assert names_of("modules") == names_of("action")


def test_the_action_group_lists_every_module():
    listed = load_yaml("meta/runtime.yml")["action_groups"]["all"]
    assert listed == sorted(names_of("modules"))


def strings_of(source: Source) -> dict[str, str]:
    """The string constants that a file, or the one class of a fragment, assigns to names."""
    scopes = [source.tree.body, *(node.body for node in source.tree.body if isinstance(node, ast.ClassDef))]
    return {
        target.id: node.value.value
        for body in scopes
        for node in body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def documentation(source: Source) -> dict:
    """The documentation of a module, its fragments merged in."""
    merged = yaml.safe_load(strings_of(source)["DOCUMENTATION"])
    for fragment in merged.get("extends_documentation_fragment", []):
        namespace, name, *variant = fragment.removeprefix("msp.").split(".")
        assert namespace == "psa_sync", fragment
        part = Source(Path("plugins", "doc_fragments", f"{name}.py"))
        shared = yaml.safe_load(strings_of(part)[(variant or ["documentation"])[0].upper()])
        for key in ("options", "attributes"):
            merged[key] = {**shared.get(key, {}), **merged.get(key, {})}
    return merged


def documented_modules() -> list:
    return [pytest.param(source, id=source.path.stem) for source in sources() if source.part == "modules"]


@pytest.mark.parametrize("source", documented_modules())
def test_a_module_is_documented(source):
    texts = strings_of(source)
    documented = documentation(source)
    assert documented["module"] == source.path.stem
    assert set(documented["attributes"]) >= ATTRIBUTES
    assert documented["version_added"]
    assert documented["author"]
    assert yaml.safe_load(texts["RETURN"])
    tasks = yaml.safe_load(texts["EXAMPLES"])
    assert any(f"{COLLECTION.removeprefix('ansible_collections.')}.{source.path.stem}" in str(task) for task in tasks)


@pytest.mark.parametrize("source", documented_modules())
def test_a_module_file_is_documentation_and_one_call(source):
    """No logic that only one of both entry points would have."""
    functions = [node for node in source.tree.body if isinstance(node, ast.FunctionDef)]
    assert [node.name for node in functions] == ["main"]
    calls = [node for node in functions[0].body if not isinstance(node.value, ast.Constant)]
    assert len(calls) == 1


# ---------------------------------------------------------------------- each file


def test_one_version():
    """What a module reports as its version is the one that is published."""
    version = load_yaml("galaxy.yml")["version"]
    task = Source(Path("plugins", "module_utils", "_ansible", "task.py"))
    assert strings_of(task)["VERSION"] == version


def texts() -> Iterator[tuple[Path, str]]:
    for path in project_files():
        content = (ROOT / path).read_bytes()
        if b"\0" not in content:
            yield path, content.decode()


def test_each_file_that_can_names_its_licence():
    """What cannot, or is written by a tool, is covered by REUSE.toml, which `reuse lint` checks."""
    wrong = [
        str(path)
        for path, text in texts()
        if text
        and (path.suffix in {".cfg", ".py", ".sh", ".toml", ".txt", ".yaml", ".yml"} or path.name in SCRIPTS)
        and not is_below(".".join(path.parts), {"LICENSES", "changelogs"})
        and SPDX not in "\n".join(text.splitlines()[:5])
    ]
    assert wrong == []


def test_the_licences_are_those_that_are_published():
    assert set(load_yaml("galaxy.yml")["license"]) == {
        path.stem for path in project_files() if path.parts[0] == "LICENSES"
    }


def test_shared_code_is_marked_private():
    """By an underscore in its path, as Ansible's rules for collections have it, else by a note after the docstring."""
    note = "# PRIVATE to the collection: nothing here is a public interface."
    wrong = [
        str(source.path)
        for source in sources()
        if source.path.parts[1] in {"module_utils", "plugin_utils"}
        for private in [any(part.startswith("_") for part in source.path.parts)]
        if (note in source.text if private else f'"""\n\n{note}\n' not in source.text)
    ]
    assert wrong == []


def test_make_runs_every_test():
    (suites,) = re.findall(r"^suites := \$\(foreach suite,([a-z ]+),", (ROOT / "Makefile").read_text(), re.MULTILINE)
    folders = {path.parts[1] for path in project_files() if path.parts[0] == "tests" and path.match("test_*.py")}
    assert folders == {*suites.split(), "vendors"}
    nightly = re.search(r"^nightly: (.+) ##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert nightly and "vendors" in nightly[1].split()


def commands(*targets: str) -> list[str]:
    """The commands of targets of the Makefile, not run."""
    done = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", *targets],
        check=True,
        cwd=ROOT,
        env={**os.environ, "MAKEFLAGS": ""},
        stdout=subprocess.PIPE,
        text=True,
    )
    return [line.replace("bin/python3 ", "bin/python ") for line in done.stdout.splitlines()]


def test_make_test_runs_each_suite_and_each_check():
    each = commands("unit", "trust", "integration", "lint", "sanity", "importer")
    assert sum("bin/pytest" in line for line in each) == 3
    assert {line for line in each if "tests.tools.environment" not in line} - {*commands("test")} == set()


LONGEST_FILE, LONGEST_FUNCTION, MOST_PARAMETERS = 450, 50, 7


def test_no_file_is_longer_than_a_reader_can_keep_in_mind():
    """The modules are documentation, which is as long as it has to be."""
    long = {
        source.short: lines
        for source in sources()
        if source.part != "modules" and (lines := len(source.text.splitlines())) > LONGEST_FILE
    }
    assert long == {}


def test_no_function_is_longer_or_takes_more_than_a_reader_can_keep_in_mind():
    wrong = [
        f"{source.at(node)} {node.name}: {lines} lines, {len(parameters)} parameters"
        for source in sources()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for lines in [node.end_lineno - node.lineno + 1]
        for parameters in [
            [
                parameter
                for parameter in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
                if parameter.arg not in {"self", "cls"}
            ]
        ]
        if lines > LONGEST_FUNCTION or len(parameters) > MOST_PARAMETERS
    ]
    assert wrong == []


def test_no_packages_below_plugins():
    assert [str(source.path) for source in sources() if source.path.name == "__init__.py"] == []


def test_no_file_knows_the_machine_it_was_written_on():
    """Paths of one machine, and of its package hosts, say nothing to anybody else."""
    folders = "|".join(("work", "root", "opt", "home/[a-z]+", "Users", "mnt"))
    machine = re.compile(rf"(?<![\w.\-}}])/(?:{folders})/|\.py" + r"env\b|python" + r"hosted|pypi\." + "org")
    wrong = [
        f"{path}:{number} {line.strip()[:80]}"
        for path, text in texts()
        if path.parts[0] not in {"LICENSES", "COPYING"}
        for number, line in enumerate(text.splitlines(), start=1)
        if machine.search(line)
    ]
    assert wrong == []
