# Copyright (c) 2026, The msp.psa_sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""python -m tests.sandbox --world WORLD.json --env-file FILE [--contracts DIR] [--port-base N]

Plays Entra and Microsoft Graph, IT Glue and Kaseya BMS until SIGTERM or SIGINT. Exit
codes: 0 stopped as told, 2 could not start.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .contracts import ContractError, Contracts
from .core import Sandbox, WorldError
from .server import ServerError, run
from .stage import Stage


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="sandbox: %(message)s")
    try:
        contracts = Contracts.load(options.contracts) if options.contracts else None
        gc.disable()  # a large world is millions of objects, and none of them is garbage
        stage = Stage(Sandbox(_world(options.world)), contracts)
        gc.freeze()
        gc.enable()
        run(stage, options.env_file, options.port_base, lambda: _tell(options.env_file))
    except (WorldError, ContractError, ServerError) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 2
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.sandbox", description="Entra, Graph, IT Glue and BMS to try")
    parser.add_argument("--world", type=Path, required=True, help="the JSON file with the world to begin with")
    parser.add_argument("--env-file", type=Path, required=True, help="where to write the connection variables")
    parser.add_argument("--contracts", type=Path, help="the directory of the vendors' OpenAPI descriptions")
    parser.add_argument("--port-base", type=int, help="the first of three ports; free ones unless told")
    return parser.parse_args(arguments)


def _world(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WorldError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise WorldError(f"{path} is no JSON: {error}") from error


def _tell(env_file: Path) -> None:
    print(f"sandbox: listening; the connection variables are in {env_file}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
