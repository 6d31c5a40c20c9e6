# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every example of the guides, the README and the plugins is checked by its kind.

An example of a kind that is not known here fails: nobody adds one that is not checked. Those that can run are run by
`tests/integration/test_examples.py` and `tests/integration/test_readme.py`.
"""

from __future__ import annotations

import configparser
import importlib
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.config.manager import ConfigManager
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.splitter import parse_kv

from ansible_collections.msp.psa_sync.plugins.lookup.clients import CUT_OFF
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.connection import CONNECTION_OPTIONS, ENVIRONMENT
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.entry_points import entry_point
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.declared_options import BMS, OFFICE365
from ansible_collections.msp.psa_sync.plugins.plugin_utils.variables import variables_of
from tests.tools.files import ROOT, development_tree, tracked
from tests.tools.guides import Block, examples
from tests.tools.playbook_variables import variables_taken

Json = dict[str, Any]

PREFIX = "msp.psa_sync."
EXAMPLES = list(examples())
PLAYBOOKS = {path.stem: path.read_text(encoding="utf-8") for path in tracked("playbooks/*.yml")}
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
SETTINGS = {
    "office365_sync_defaults": OFFICE365,
    "office365_sync_settings": OFFICE365,
    "bms_sync_defaults": BMS,
    "bms_sync_settings": BMS,
}
# What an option cannot be without.
NEEDED = {"departed": {"departed_contact_type": "Former employee"}, "state": {"journal_file": "journal"}}
# What comes out of a run, and the test that holds it against one.
OUTPUT = {("quick_start_guide", kind): "integration/test_readme.py" for kind in ("diff", "text")}
REPOSITORY = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["repository"]
OF_THE_SHELL = {"PATH", "XDG_RUNTIME_DIR"}
PACKAGES = {"ansible-core", "requests", "msal", "phonenumberslite"}


# ------------------------------------------------------------------------ modules


def errors(module: str, options: Json) -> list[str]:
    """What the module itself would say against the options of a task. A template may come to anything."""
    spec = entry_point(module)[0]
    rules = spec.validator_arguments()
    unknown = sorted(set(options) - set(rules["argument_spec"]))
    known = {key: value for key, value in options.items() if "{{" not in str(value) or key in ("organization",)}
    return unknown or ArgumentSpecValidator(**rules).validate(known).error_messages


def tasks(plays: list[Json]) -> Iterator[tuple[str, Json]]:
    """The tasks of this collection's modules in tasks or plays."""
    for each in plays:
        for name in ("pre_tasks", "tasks", "post_tasks", "block", "rescue", "always", "handlers"):
            yield from tasks(each.get(name, []))
        yield from ((key.removeprefix(PREFIX), each[key] or {}) for key in each if key.startswith(PREFIX))


@cache
def variables() -> frozenset[str]:
    """The variables of the playbooks."""
    return frozenset(variables_taken("".join(PLAYBOOKS.values())))


# --------------------------------------------------------------------------- YAML


def check_yaml(block: Block) -> None:
    for document in yaml.safe_load_all(block.text):
        if document is None:
            check_commented_configuration(block)
        elif isinstance(document, list):
            check_tasks(document)
        elif "plugin" in document:
            check_inventory_plugin(document)
        elif "collections" in document:
            assert [each["name"] for each in document["collections"]] == ["msp.psa_sync"]
        elif all(isinstance(each, dict) and {"hosts", "children"} & set(each) for each in document.values()):
            assert all(set(each) <= {"hosts", "children", "vars"} for each in document.values())
        else:
            check_variables(document)


def check_tasks(plays: list[Json]) -> None:
    found = list(tasks(plays))
    assert found
    for module, options in found:
        assert errors(module, options) == []


def check_variables(given: Json) -> None:
    """Variables of a client, of a group, or with `-e`."""
    assert set(given) <= variables() | set(SETTINGS) | {"itglue_organization", "probe_organization"}
    for name, value in given.items():
        if name in SETTINGS:
            assert errors(f"{SETTINGS[name]}_sync_settings", {"organization": "1", **value}) == []
        elif name in CONNECTION_OPTIONS:
            assert errors("contact_sync", {"organization": "1", name: value}) == []
        elif option := passed_to_the_sync().get(name):
            assert errors("contact_sync", {"organization": "1", **NEEDED.get(option, {}), option: value}) == []


@cache
def passed_to_the_sync() -> Json:
    """Which variable of the playbook is which option of contact_sync."""
    return {variable: option for option, variable in variables_of("contact_sync").items()}


def check_inventory_plugin(given: Json) -> None:
    source = (ROOT / "plugins" / "inventory" / f"{given['plugin'].removeprefix(PREFIX)}.py").read_text(encoding="utf-8")
    documented = documentation(source)
    known = set(documented["options"])
    for fragment in documented["extends_documentation_fragment"]:
        known |= set(fragment_options(fragment))
    assert set(given) <= known


def documentation(source: str) -> Json:
    return yaml.safe_load(re.search(r'DOCUMENTATION = r"""\n(.*?)"""', source, re.DOTALL)[1])


def fragment_options(name: str) -> Json:
    """The options of a documentation fragment, of this collection or of Ansible."""
    *place, last = name.removeprefix(PREFIX).removeprefix("ansible.builtin.").split(".")
    ours = name.startswith(PREFIX)
    package = "ansible_collections.msp.psa_sync.plugins.doc_fragments" if ours else "ansible.plugins.doc_fragments"
    fragment = importlib.import_module(f"{package}.{place[0] if place else last}").ModuleDocFragment
    text = getattr(fragment, last.upper()) if place else fragment.DOCUMENTATION
    return yaml.safe_load(text)["options"]


def check_commented_configuration(block: Block) -> None:
    """A plugin that is configured in ansible.cfg shows that in comments."""
    text = "\n".join(line.removeprefix("#").removeprefix(" ") for line in block.text.splitlines())
    check_ini(Block(block.where, "ini", text.partition("\n\n")[2]))


# ---------------------------------------------------------------- other languages


def check_json(block: Block) -> None:
    json.loads(block.text)


def check_ini(block: Block) -> None:
    found = configparser.ConfigParser(interpolation=None)
    found.read_string(block.text)
    for section in found.sections():
        known = {option for name, option in ini_options() if name == section}
        assert known, f"no section {section}"
        assert set(found[section]) <= known
    for name in found.get("defaults", "callbacks_enabled", fallback="").split(","):
        assert not name or (ROOT / "plugins" / "callback" / f"{name.strip().removeprefix(PREFIX)}.py").is_file()


@cache
def callback_options() -> Json:
    return documentation((ROOT / "plugins" / "callback" / "sync_report.py").read_text(encoding="utf-8"))["options"]


@cache
def core_options() -> Json:
    return ConfigManager().get_configuration_definitions()


@cache
def ini_options() -> frozenset[tuple[str, str]]:
    """Section and name of all that may stand in ansible.cfg."""
    described = [*callback_options().values(), *core_options().values()]
    named = {(ini["section"], ini["key"]) for each in described for ini in each.get("ini") or ()}
    return frozenset(named | {("defaults", "callback_result_format")})


@cache
def environment() -> frozenset[str]:
    """The environment variables that mean something."""
    described = [*callback_options().values(), *core_options().values()]
    named = {env["name"] for each in described for env in each.get("env") or ()}
    of_roles = {
        name
        for path in tracked("roles/*/defaults/main.yml")
        for name in re.findall(r"'ansible\.builtin\.env', '(\w+)'", path.read_text(encoding="utf-8"))
    }
    return frozenset(named | of_roles | set(ENVIRONMENT.values()) | OF_THE_SHELL)


# -------------------------------------------------------------------------- shell


def check_shell(block: Block) -> None:
    subprocess.run(["bash", "-n", "-c", block.text], check=True)
    for words in commands(block.text):
        check_command(words)


def commands(text: str) -> Iterator[list[str]]:
    """The commands of a script, without the prompt of a terminal."""
    for line in text.replace("\\\n", " ").splitlines():
        line = line.strip().removeprefix("$ ")
        if line and not line.startswith("#"):
            words = shlex.split(line, comments=True)
            yield [word for word in words if word != "&"]


def check_command(words: list[str]) -> None:
    while re.match(r"[A-Z_]+=", words[0]):
        check_environment(words[:1])
        words = words[1:]
    program, arguments = Path(words[0]).name, words[1:]
    assert program in CHECKS, f"no check for the command {program}"
    CHECKS[program](arguments)


def check_environment(assignments: list[str]) -> None:
    assert {each.partition("=")[0] for each in assignments} <= environment()


def check_playbook(arguments: list[str]) -> None:
    names = [each for each in positional(arguments) if not each.endswith(".yml")]
    assert {each.removeprefix(PREFIX) for each in names} <= set(PLAYBOOKS)
    assert positional(arguments), "no playbook"
    tags = {
        tag for text in PLAYBOOKS.values() for each in re.findall(r"tags: \[(.+)\]", text) for tag in each.split(", ")
    }
    for option, value in options(arguments):
        if option in ("-e", "--extra-vars") and not value.startswith("@"):
            given = json.loads(value) if value.startswith("{") else parse_kv(value)
            assert CUT_OFF not in given, f"Ansible splits {value} at the blank"
            check_variables({name: each for name, each in given.items() if name != "tenants"})
        elif option in ("--tags", "-t", "--skip-tags"):
            assert set(value.split(",")) <= tags


@pytest.mark.parametrize("pattern", ["docs/**/*.*", "*.md", "playbooks/*.yml", "plugins/**/*.py", "roles/**/*.*"])
def test_no_value_with_a_blank_is_quoted_for_the_shell_alone(pattern):
    """Ansible splits it at the blank once more."""
    texts = {path: path.read_text(encoding="utf-8", errors="replace") for path in tracked(pattern)}
    assert texts
    assert [path for path, text in texts.items() if re.search(r"-e \w+='[^' ]* [^']*'", text)] == []


VALUED = {"-e", "--extra-vars", "-i", "--inventory", "--limit", "-l", "--tags", "-t", "--skip-tags", "-f", "--forks"}
VALUED |= {"-m", "-a", "--vault-password-file", "--vault-id"}
PLAIN = {"--check", "--diff", "-C", "-D", "-v", "-vv", "-vvv", "--list", "--graph", "--ask-vault-pass", "--version"}
PLAIN |= {"-J", "--list-hosts", "--flush-cache"}


def options(arguments: list[str]) -> Iterator[tuple[str, str]]:
    """The options of a command with their values."""
    rest = iter(arguments)
    for each in rest:
        name, equals, value = each.partition("=") if each.startswith("--") else (each, "", "")
        if name in VALUED:
            yield name, value if equals else next(rest, "")
        elif each.startswith("-"):
            assert each in PLAIN, f"no option {each}"
            yield each, ""


def positional(arguments: list[str]) -> list[str]:
    valued = [index + 1 for index, each in enumerate(arguments) if each in VALUED]
    return [each for index, each in enumerate(arguments) if index not in valued and not each.startswith("-")]


def check_ad_hoc(arguments: list[str]) -> None:
    given = dict(options(arguments))
    assert errors(given["-m"].removeprefix(PREFIX), json.loads(given.get("-a", "{}"))) == []


def check_clone(arguments: list[str]) -> None:
    assert arguments == ["clone", REPOSITORY]


def check_environment_of_python(arguments: list[str]) -> None:
    """`python3` makes the virtual environment, in which it is `python`."""
    assert arguments[:2] == ["-m", "venv"] and len(arguments) == 3


def check_activated(arguments: list[str]) -> None:
    (path,) = arguments
    assert path.endswith("/bin/activate")


def check_python(arguments: list[str]) -> None:
    assert arguments[0] == "-m"
    name = arguments[1].replace(".", "/")
    assert (ROOT / f"{name}.py").is_file() or (ROOT / name / "__main__.py").is_file()
    given = [each for each in arguments[2:] if each.startswith("tests/")]
    assert all((ROOT / each).is_file() for each in given)


def check_pip(arguments: list[str]) -> None:
    assert arguments[0] == "install"
    assert {each for each in arguments[1:] if not each.startswith("-")} <= PACKAGES


def check_galaxy(arguments: list[str]) -> None:
    assert arguments[:2] == ["collection", "install"]
    (collection,) = positional(arguments[2:])
    assert re.fullmatch(r"msp\.psa_sync(:==\d+\.\d+\.\d+)?", collection)


def check_doc(arguments: list[str]) -> None:
    kind = dict([arguments[:2]]).get("-t", "module") if arguments[0] == "-t" else "module"
    folder = "modules" if kind == "module" else kind
    assert (ROOT / "plugins" / folder / f"{arguments[-1].removeprefix(PREFIX)}.py").is_file()


def check_targets(arguments: list[str]) -> None:
    assert set(arguments) <= TARGETS


def check_openssl(arguments: list[str]) -> None:
    """All of a guide's are run, as they stand there."""
    ran = (ROOT / "tests" / "integration" / "test_credentials.py").read_text(encoding="utf-8")
    assert r're.findall(r"^    (openssl .*)$", guide' in ran
    assert arguments[0] in {"req", "x509", "pkcs12"}


def check_directory(arguments: list[str]) -> None:
    (path,) = arguments
    assert (ROOT / path).is_dir() or path == REPOSITORY.rpartition("/")[2]


CHECKS = {
    "ansible": check_ad_hoc,
    "ansible-doc": check_doc,
    "ansible-galaxy": check_galaxy,
    "ansible-inventory": lambda arguments: list(options(arguments)),
    "ansible-playbook": check_playbook,
    "cd": check_directory,
    "export": check_environment,
    "git": check_clone,
    "make": check_targets,
    "openssl": check_openssl,
    "pip": check_pip,
    "python": check_python,
    "python3": check_environment_of_python,
    "source": check_activated,
    # The file with the sandbox's variables is read in a loop.
    "while": lambda arguments: None,
}
KINDS = {
    "console": check_shell,
    "ini": check_ini,
    "json": check_json,
    "shell": check_shell,
    "yaml": check_yaml,
}


# -------------------------------------------------------------------------- tests


def test_the_variables_of_the_playbooks_are_known():
    assert {"sync_users": "users", "sync_departed": "departed"}.items() <= passed_to_the_sync().items()
    assert {"sync_plan_directory", "sync_serial", "itglue_api_key"} <= variables()


def test_there_are_examples_everywhere():
    assert len(EXAMPLES) > 40
    assert {block.kind for block in EXAMPLES} >= {"ini", "shell", "yaml"}


@pytest.mark.parametrize("block", EXAMPLES, ids=lambda block: block.where)
def test_an_example_is_checked(block):
    if (block.where.partition(":")[0], block.kind) in OUTPUT:
        assert (ROOT / "tests" / OUTPUT[block.where.partition(":")[0], block.kind]).is_file()
        return
    assert block.kind in KINDS, f"no check for an example of the kind {block.kind}"
    KINDS[block.kind](block)


def test_ansible_takes_all_tasks_and_plays(tmp_path):
    """Their keywords, and that every module is there."""
    shown = [
        document
        for block in EXAMPLES
        if block.kind == "yaml"
        for document in yaml.safe_load_all(block.text)
        if isinstance(document, list)
    ]
    plays = [each if "hosts" in each[0] else [{"hosts": "localhost", "tasks": each}] for each in shown]
    playbook = tmp_path / "all.yml"
    playbook.write_text(yaml.safe_dump([play for each in plays for play in each]), encoding="utf-8")
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "--syntax-check", "-i", "localhost,", playbook],
        check=False,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(development_tree())},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "text",
    [
        "- msp.psa_sync.contact_sync: {organization: Happy Frog, no_such_option: 1}\n",
        "- msp.psa_sync.contact_sync: {organization: Happy Frog, report: none}\n",
        "no_such_variable: 1\n",
        "office365_sync_settings: {no_such_setting: 1}\n",
        "plugin: msp.psa_sync.tenants\nno_such_option: 1\n",
    ],
)
def test_a_mistake_in_yaml_is_found(text):
    with pytest.raises(AssertionError):
        check_yaml(Block("here", "yaml", text))


@pytest.mark.parametrize(
    "text",
    [
        "ansible-playbook msp.psa_sync.no_such_playbook",
        "ansible-playbook msp.psa_sync.sync_contacts -e no_such_variable=1",
        "ansible-playbook msp.psa_sync.sync_contacts -e sync_report=none",
        "ansible-playbook msp.psa_sync.sync_contacts --no-such-option",
        "export NO_SUCH_VARIABLE=1",
        "make no-such-target",
        "no-such-command",
        "git clone https://github.com/no-such-owner/msp.psa_sync",
        "python3 no_such_script.py",
        "source no_such_script.sh",
        "ansible-doc -t callback msp.psa_sync.no_such_plugin",
    ],
)
def test_a_mistake_in_a_command_is_found(text):
    with pytest.raises(AssertionError):
        check_shell(Block("here", "shell", text))


def test_a_mistake_in_a_configuration_is_found():
    with pytest.raises(AssertionError):
        check_ini(Block("here", "ini", "[callback_sync_report]\nno_such_option = 1\n"))
