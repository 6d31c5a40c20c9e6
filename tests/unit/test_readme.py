# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the README and the example inventory say is true of the code: every option, variable, target and link."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.connection import ENVIRONMENT
from ansible_collections.msp.psa_sync.plugins.module_utils._ansible.entry_points import entry_point
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.declared_options import BMS, KINDS, OFFICE365
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.hosts import slug
from ansible_collections.msp.psa_sync.plugins.module_utils._engine.settings import check, merge
from tests.tools.files import ROOT, project_files, tracked
from tests.tools.playbook_variables import variables_taken

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
INVENTORY = ROOT / "docs" / "examples" / "inventory"
PREFIX = "msp.psa_sync."
VARIABLES = {
    "office365_sync_defaults": OFFICE365,
    "office365_sync_settings": OFFICE365,
    "bms_sync_defaults": BMS,
    "bms_sync_settings": BMS,
}


def blocks(*kinds: str) -> list[str]:
    return [text for kind, text in BLOCKS if kind in kinds]


def spec(module: str):
    return entry_point(module.removeprefix(PREFIX))[0]


def errors(module: str, options: dict) -> list[str]:
    """What the module itself would say against the options of a task."""
    return ArgumentSpecValidator(**spec(module).validator_arguments()).validate(options).error_messages


def host_files() -> list[Path]:
    return tracked(f"{INVENTORY.relative_to(ROOT)}/host_vars/*.yml")


def declared() -> dict[str, dict]:
    """The clients that the README declares, each with its variables."""
    (inventory,) = blocks("yaml")
    clients: dict[str, dict] = yaml.safe_load(inventory)["clients"]["hosts"]
    return clients


def variables() -> list[tuple[str, dict]]:
    """Every mapping of variables of the README and of the example."""
    texts = [(host, yaml.safe_dump(given)) for host, given in declared().items()]
    texts += [
        (path.name, path.read_text(encoding="utf-8")) for path in tracked(f"{INVENTORY.relative_to(ROOT)}/*_vars/*.yml")
    ]
    loaded = [(name, yaml.safe_load(text)) for name, text in texts]
    return [(name, each) for name, each in loaded if isinstance(each, dict) and "collections" not in each]


def test_the_parts_are_in_the_order_in_which_a_new_user_needs_them():
    order = [
        "## Description",
        "[![The report of a preview",
        "make demo    #",
        "python3 -m venv",
        "wsl --install",
        "## First preview of a real client",
        "## IT Glue's eleven steps",
        "## Use cases",
        "More guides:",
    ]
    places = [README.index(each) for each in order]
    assert places == sorted(places)
    steps = README.partition("## First preview")[2].partition("\n## ")[0]
    assert re.findall(r"^(\d)\. \*\*", steps, re.MULTILINE) == list("12345")


def test_every_block_says_what_it_is():
    assert README.count("\n```") == 2 * len(BLOCKS)
    assert {kind for kind, dummy in BLOCKS} <= {"console", "shell", "yaml"}


def test_a_client_is_declared_in_ten_lines_under_the_name_that_the_inventory_plugin_makes():
    (inventory,) = blocks("yaml")
    assert len(inventory.splitlines()) <= 10
    assert [slug(given["itglue_organization"]) for given in declared().values()] == list(declared())


@pytest.mark.parametrize(("name", "given"), variables(), ids=lambda each: each if isinstance(each, str) else "")
def test_the_modules_take_the_settings_of_the_inventory(name, given):
    assert set(given) <= {*VARIABLES, "itglue_organization"}
    for variable, kind in VARIABLES.items():
        settings = given.get(variable, {})
        assert errors(f"{kind}_sync_settings", {"organization": "1", **settings}) == []


def test_the_settings_of_every_client_of_the_example_break_no_rule():
    (common,) = tracked(f"{INVENTORY.relative_to(ROOT)}/group_vars/*.yml")
    shared = yaml.safe_load(common.read_text(encoding="utf-8"))
    clients = host_files()
    assert len(clients) >= 3
    for path in clients:
        own = yaml.safe_load(path.read_text(encoding="utf-8"))
        for kind in KINDS:
            merged = merge(kind, shared[f"{kind}_sync_defaults"], own.get(f"{kind}_sync_settings"))
            check(kind, merged, organization=path.stem)


def test_the_example_has_the_clients_of_the_inventory():
    hosts = yaml.safe_load((INVENTORY / "hosts.yml").read_text(encoding="utf-8"))["clients"]["hosts"]
    assert set(hosts) == {path.stem for path in host_files()}


def test_the_hosts_of_the_example_have_the_names_that_the_inventory_plugin_makes():
    organizations = {
        path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))["itglue_organization"] for path in host_files()
    }
    assert organizations == {slug(name): name for name in organizations.values()}


def test_a_client_is_added_in_five_lines():
    def lines(path: Path) -> int:
        text = path.read_text(encoding="utf-8")
        return sum(bool(line) and not line.startswith(("#", "---")) for line in text.splitlines())

    # And one line in hosts.yml.
    assert min(map(lines, host_files())) + 1 <= 5


def test_every_environment_variable_is_an_option():
    exported = set(re.findall(r"\b([A-Z][A-Z0-9_]+)=", "".join(blocks("shell"))))
    assert len(exported) > 5
    assert exported <= set(ENVIRONMENT.values())


def test_every_callback_that_is_enabled_is_there():
    enabled = re.findall(r"callbacks_enabled = msp\.psa_sync\.(\w+)", README)
    assert enabled and all((ROOT / "plugins" / "callback" / f"{name}.py").is_file() for name in enabled)


def test_every_variable_is_one_of_the_playbooks():
    playbooks = "".join(path.read_text(encoding="utf-8") for path in tracked("playbooks/*.yml"))
    named = set(re.findall(r"\bsync_[a-z_]+", README)) - {"sync_settings", "sync_aliases", "sync_contacts"}
    assert len(named) > 3
    assert named - variables_taken(playbooks) == set()


def test_every_plugin_and_playbook_exists():
    named = set(re.findall(r"(?<!group/)msp\.psa_sync\.([a-z0-9_]+)", README))
    folders = ("playbooks", "plugins/callback", "plugins/inventory", "plugins/lookup", "plugins/modules")
    there = {path.stem for folder in folders for path in tracked(f"{folder}/*")}
    assert {path.stem for path in tracked("plugins/modules/*.py")} <= named <= there


def test_every_command_is_a_target():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z-]+)(?=`| +#|$)", README, re.MULTILINE))
    assert {"demo", "test"} <= named <= targets


def test_links_within_the_repository_are_relative_and_lead_to_its_files():
    """So they lead to the files of the same version, in a fork and in a clone too."""
    links = re.findall(r"\]\(([^)]+)\)", README)
    home = yaml.safe_load((ROOT / "galaxy.yml").read_text())["repository"]
    assert [link for link in links if link.startswith(f"{home}/") and link != f"{home}/issues"] == []
    paths = {Path(link) for link in links if not link.startswith("https://")}
    files = set(map(Path, project_files()))
    assert {Path("COPYING"), Path("ARCHITECTURE.md"), Path("docs/docsite/rst/setup_guide.rst")} <= paths
    assert paths - files - {folder for path in files for folder in path.parents} == set()


def test_every_guide_is_linked():
    written = {f"docs/docsite/rst/{path.name}" for path in tracked("docs/docsite/rst/*.rst")}
    assert written <= set(re.findall(r"\]\(([^)]+)\)", README))


def test_each_of_it_glues_eleven_steps_has_its_counterpart():
    rows = re.findall(r"^\| ([\d, ]+) \| [^|]+ \| ([^|]+) \|$", README, re.MULTILINE)
    assert [int(step) for steps, dummy in rows for step in steps.split(", ")] == list(range(1, 12))
    named = {word for dummy, ours in rows for word in re.findall(r"`(\w+)(?:: [^`]+)?`", ours)}
    options = spec("contact_sync").options
    known = {*options, *options["office365_settings"]["options"], *options["bms_settings"]["options"]}
    assert len(named) > 9
    assert named <= known | {"itglue_organization"}


def test_the_shell_blocks_are_shell():
    for text in blocks("shell"):
        subprocess.run(["bash", "-n", "-c", text], check=True)
