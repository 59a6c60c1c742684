"""The ``aimesh`` command: Faust's command line with this application and its own commands."""

from __future__ import annotations

import sys

from aimesh.errors import MeshError


def main() -> None:
    """Run the command line."""
    try:
        import aimesh

        aimesh.app.main()
    except MeshError as exc:
        print(f"aimesh: {exc}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
