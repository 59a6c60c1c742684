"""The ``aimesh`` command: Faust's command line with this application and its own commands."""

from __future__ import annotations

import sys

from aimesh.errors import MeshError


def main() -> None:
    """Run the command line; the application is made only for commands that work on it."""
    try:
        from faust.cli.base import cli

        from aimesh.commands import register

        register()
        # as if the user had typed `faust -A aimesh`
        cli.main(prog_name="aimesh", default_map={"app": "aimesh"})
    except MeshError as exc:
        print(f"aimesh: {exc}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
