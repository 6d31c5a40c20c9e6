# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Needs python3 (3.11 or newer), make and git; everything else is fetched into .venv.
# All that is made lies in .venv and .build.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory --no-builtin-rules

PYTHON ?= python3
VENV ?= .venv

# Looked up now, as the environment's own Python comes first on the PATH below.
host_python := $(shell command -v $(PYTHON))
ifeq ($(host_python),)
$(error $(PYTHON) was not found; Python 3.11 or newer is needed)
endif

CELLS ?= 2.18 2.19 2.20 2.21
COLLECTION := ansible_collections/msp/psa_sync
TREE := .build/tree/$(COLLECTION)
RESULTS := .build/results
# The folders of tests/ that hold tests, quick ones first.
suites := $(foreach suite,unit trust integration,$(if $(wildcard tests/$(suite)),$(suite)))

bin := $(abspath $(VENV))/bin
python := $(bin)/python
# The tools call one another by name.
export PATH := $(bin):$(PATH)
# What the tools print and make does not depend on the settings of the user.
export ANSIBLE_CONFIG := $(CURDIR)/.ci/ansible.cfg
export ANSIBLE_NOCOWS := 1
export LC_ALL := C.UTF-8
export TZ := UTC
# Each start of Python would compile everything again.
unexport PYTHONDONTWRITEBYTECODE

# tests/conftest.py does the same for the tests.
sealed := $(python) -m tests.tools.sealed
# What keeps only one core busy, several at a time.
side_by_side := $(MAKE) --keep-going --output-sync=target --jobs
tested := $(bin)/pytest --durations 20 --numprocesses auto --junit-xml
# A test that runs Ansible often waits for it, so two more processes than cores keep all cores busy.
two_more := $(shell $(host_python) -c 'import os; print((os.cpu_count() or 1) + 2)')

.PHONY: help venv venv-run tree artifact unit coverage trust nightly vendors mutations browser integration sanity importer matrix devel certification execution-environment test suites static \
    demo probe bench docs changelog release release-notes lock clean lint lint-python lint-types lint-yaml lint-ansible lint-changelog lint-docs lint-licences

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 23

venv: ## make the environment for everything (.venv), where it is missing or out of date
	@$(host_python) -m tests.tools.environment $(VENV) test

venv-run: ## make the environment as far as the demo needs it
	@$(host_python) -m tests.tools.environment $(VENV) run

tree: ## copy the files of the project to where Ansible's tools want them
	@$(host_python) -m tests.tools.files

artifact: venv-run tree ## build the collection, and install it as a user does (.build/installed)
	@$(python) -m tests.tools.artifact

unit: venv ## test the rules, the clients and the architecture
	@mkdir -p $(RESULTS)
	@$(tested) $(RESULTS)/unit.xml --dist worksteal tests/unit

coverage: venv ## measure what unit tests reach of module_utils, by lines and branches; too little fails
	@mkdir -p $(RESULTS)
	@$(tested) $(RESULTS)/coverage.xml --dist worksteal tests/unit --cov

trust: venv artifact ## test what must never go wrong: random worlds, a fault at every request
	@mkdir -p $(RESULTS)
	@rm -rf $(RESULTS)/trust
	@$(tested) $(RESULTS)/trust.xml --dist worksteal tests/trust
	@$(python) -m tests.trust.tally

nightly: export TRUST := nightly
nightly: unit trust integration vendors mutations ## all at length: 1000 worlds, every fault for good as well, 600 pairs of faults, 1000 random examples

vendors: venv ## hold clients and sandbox against the vendors' descriptions with Prism and Schemathesis (needs npm)
	@mkdir -p $(RESULTS)
	@if [[ -d ../shared/contracts ]]; then \
	    $(python) -m tests.vendors && \
	    $(bin)/pytest --numprocesses 2 --dist loadfile --junit-xml $(RESULTS)/vendors.xml tests/vendors; \
	else \
	    echo "The vendors' descriptions are not in ../shared/contracts, so nothing was held against them."; \
	fi

MUTATIONS ?= --count 120 --seed $(shell date +%-j)

mutations: venv ## change 120 places of ten modules, one at a time: a test must see each (MUTATIONS="--count 0" tries all)
	@$(python) -m tests.tools.mutations $(MUTATIONS)

browser: venv ## see that there is a Chromium for the tests of the report's page; installs it where that is possible
	@$(python) -m tests.tools.browser

integration: venv artifact browser ## run playbooks with the installed artifact against the sandbox
	@mkdir -p $(RESULTS)
	@$(tested) $(RESULTS)/integration.xml --numprocesses $(two_more) tests/integration

# All look at the clean tree, where nothing is but what git tracks.
lint: lint-python lint-types lint-yaml lint-ansible lint-changelog lint-docs lint-licences docs ## check style, types, documentation, licences

lint-python: venv tree
	cd $(TREE) && $(bin)/ruff check
	cd $(TREE) && $(bin)/ruff format --check --quiet

lint-types: venv tree
	cd $(TREE) && MYPYPATH=$(CURDIR)/.build/tree $(bin)/mypy

lint-yaml: venv tree
	cd $(TREE) && $(bin)/yamllint --strict .

lint-ansible: venv tree
	cd $(TREE) && ANSIBLE_COLLECTIONS_PATH=$(CURDIR)/.build/tree $(bin)/ansible-lint --profile production --offline --strict --nocolor

lint-changelog: venv tree
	cd $(TREE) && $(bin)/antsibull-changelog lint
	cd $(TREE) && $(bin)/antsibull-changelog lint-changelog-yaml changelogs/changelog.yaml
	$(python) -m tests.tools.changelog --check

lint-docs: venv tree
	ANSIBLE_COLLECTIONS_PATH=$(CURDIR)/.build/tree $(bin)/antsibull-docs lint-collection-docs --plugin-docs \
	    --validate-collection-refs all --disallow-unknown-collection-refs --check-extra-docs-refs $(TREE)

# By the names of the files, as other tools write into the clean tree at the same time.
lint-licences: venv tree
	@$(python) -c 'from tests.tools.files import project_files; print(*project_files(), sep="\0", end="")' \
	    | (cd $(TREE) && xargs --null $(bin)/reuse lint-file --lines)

# The newest ansible-core checks the tests as well (noxfile.py).
sanity: venv tree ## run all the sanity tests of ansible-test on what is shipped
	@$(python) -m tests.tools.bootstrap_ansible_test
	cd $(TREE) && $(bin)/ansible-test sanity --color no --venv --exclude tests/ \
	    --python "$$($(python) -c 'import sys; print("%d.%d" % sys.version_info[:2])')"

# Galaxy's ansible-lint is `make lint-ansible`, which asks for more.
importer: export GALAXY_IMPORTER_RUN_ANSIBLE_LINT := false
importer: venv artifact ## import the artifact as Galaxy would
	$(python) -m tests.tools.importer .build/artifact/*.tar.gz

test: venv artifact browser ## all of the above; closes with the number of tests
	@$(MAKE) --output-sync=none --keep-going --jobs 2 suites static
	@$(python) -m tests.tools.summary $(suites:%=$(RESULTS)/%.xml)

# One after the other, as each takes all cores. What they leave idle is for the static checks, the longest first.
suites:
	@$(foreach suite,$(suites),$(MAKE) $(suite) &&) true

static:
	@nice $(MAKE) --keep-going --output-sync=target sanity lint importer

matrix: export PYTEST_XDIST_AUTO_NUM_WORKERS := $(if $(word 2,$(CELLS)),1)
matrix: venv ## check on each supported ansible-core; on some of them with CELLS="2.18 2.21"
	@rm -f .build/matrix/*/*.xml
	@$(side_by_side) $(words $(CELLS)) $(CELLS:%=cell-%)
	@$(python) -m tests.tools.summary .build/matrix/*/*.xml

cell-%:
	@$(bin)/nox --session "cell($*)"

devel: venv ## the same on the development branch of ansible-core, from GitHub or from DEVEL, such as a path
	@$(bin)/nox --session devel

certification: venv ## the checks for certified content, with the old tools that it is checked with
	@$(bin)/nox --session certification

execution-environment: venv artifact ## build the execution environment of the example, where there is podman or docker
	@$(python) -m tests.tools.execution_environment

demo: venv-run artifact ## run the main job against the sandbox: no credentials needed
	@$(sealed) tests.demo

probe: venv-run artifact ## run the playbook probe against the sandbox, as a demonstration
	@$(sealed) tests.demo.probe

bench: venv artifact browser ## measure; ONLY="core fleet", SCALE=0.1, CLIENTS=1000 and FORKS=10 choose what
	@$(sealed) tests.benchmarks $(ONLY) $(SCALE:%=--scale %) $(CLIENTS:%=--clients %) $(FORKS:%=--forks %)

docs: venv tree ## make the HTML documentation (.build/docs/html); a warning fails
	@$(python) -m tests.tools.docs

changelog: venv tree ## make CHANGELOG.md, with the fragments of the version in galaxy.yml
	@$(python) -m tests.tools.changelog

release: venv ## turn the fragments into a part of the changelog, for the version in galaxy.yml
	$(bin)/antsibull-changelog release

release-notes: venv artifact ## make the notes of the release VERSION (.build/release-notes.md)
	$(bin)/antsibull-changelog generate $(VERSION) --only-latest --output .build/release-notes.md --output-format md

# Each ansible-core has its own version of resolvelib.
lock: venv ## lock the versions of what tests and checks need; UPGRADE=--upgrade takes the newest
	cd tests && $(bin)/uv pip compile --quiet $(UPGRADE) --universal --python-version 3.11 --no-annotate \
	    --custom-compile-command "make lock" $(foreach name,ansible-core resolvelib,--no-emit-package $(name)) \
	    --output-file requirements.lock requirements.txt

clean: ## remove all that was made
	rm -rf .build $(VENV) .ansible .hypothesis .mypy_cache .pytest_cache .ruff_cache tests/output
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
