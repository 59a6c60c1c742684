"""Tries a set of layers inside a container, and tells in a line what came of it.

python -m tests.escape.in_container SET
"""

from __future__ import annotations

import json
import subprocess
import sys


def main(name: str) -> int:
    """Exit code 0 when everything was held, or when the set cannot be had here."""
    command = [sys.executable, "-m", "tests.escape.harness", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 3:
        print(f"cannot be had: {done.stderr.strip()}")
        return 0
    if done.returncode:
        print(done.stderr)
        return 1
    answer = json.loads(done.stdout)
    wrong = [result for result in answer["results"] if result["wrong"]]
    print(f"layers: {', '.join(answer['layers'])}")
    print(f"held: {len(answer['results']) - len(wrong)} of {len(answer['results'])}")
    for result in wrong:
        print(f"NOT AS IT MUST BE: {result['attack']}: {result['wrong']}\n{result['output']}")
    for left in answer["left"]:
        print(f"LEFT: {left}")
    return 1 if wrong or answer["left"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
