"""Writes the table of attacks, sets of layers and outcomes into the documentation.

    python -m tests.escape docs/sandbox.md

Run it as root, so that the corpus is tried as root and as another user.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from pathlib import Path

from aimesh.services.sandbox import machine
from tests.escape.attacks import Attack, corpus
from tests.escape.campaign import Campaign, Yield, who_can_try
from tests.escape.layer_sets import HOLDING, PARTIAL

_BEGIN, _END = "<!-- outcomes: begin -->", "<!-- outcomes: end -->"
_SETS = ("control", *PARTIAL, *HOLDING)
# which effects are more than a wrong verdict
_HELD, _METADATA, _ESCAPED, _MISJUDGED, _UNTRIED = "·", "m", "✗", "!", ""


def _cell(attack: Attack, name: str, tried: Yield) -> str:
    found = [result for result in tried.results if result["attack"] == attack.name]
    if not found:
        return _UNTRIED
    result = found[0]
    if name == "control":
        worked = set(result["effects"]) & set(attack.control)
        return _HELD if attack.harmless or not worked else _ESCAPED
    if result["metadata"]:
        return _METADATA
    if not result["wrong"]:
        return _HELD
    return _ESCAPED if "effects" in result["wrong"] else _MISJUDGED


def _table(campaign: Campaign) -> str:
    who = who_can_try()
    yields = {(user, name): campaign.result(user, name) for name in _SETS for user in who}
    lines = [
        f"| attack | what it does | {' | '.join(_SETS)} |",
        "|---|---|" + "---|" * len(_SETS),
    ]
    counts = dict.fromkeys(yields, 0)
    for attack in corpus():
        cells = []
        for name in _SETS:
            marks = [_cell(attack, name, yields[user, name]) for user in who]
            for user, mark in zip(who, marks, strict=True):
                counts[user, name] += mark in (_ESCAPED, _MISJUDGED)
            cells.append(marks[0] if len(set(marks)) == 1 else " / ".join(m or "–" for m in marks))
        what = attack.what or ("has to work" if attack.harmless else attack.name.replace("_", " "))
        lines.append(f"| `{attack.name}` | {what} | {' | '.join(cells)} |")
    totals = " | ".join(" / ".join(str(counts[user, name]) for user in who) for name in _SETS)
    lines.append(f"| **not held** | | {totals} |")
    return "\n".join(lines)


def main() -> None:
    """Replace what is between the marks in the file that is named."""
    campaign = Campaign((user, name) for name in _SETS for user in who_can_try())
    words = {"root": "root", "user": "another user", "self": f"user {os.geteuid()}"}
    tried_as = " and as ".join(words[user] for user in who_can_try())
    head = (
        f"Tried on Linux {platform.release().split('-')[0]} ({platform.machine()}), "
        f"Landlock version {machine.landlock_version()}, "
        f"CPython {platform.python_version()}, as {tried_as}. "
        "`·` held (or worked, where it is no attack), `m` held but for metadata, `✗` escaped, "
        "`!` no effect but a wrong verdict, empty or `–`: not tried. "
        "Two marks differ by user: root / another user. In the column *control* nothing holds the "
        "attack, and `✗` proves that it works; one that needs root does not work for another user."
    )
    path = Path(sys.argv[1])
    text = path.read_text()
    between = f"{_BEGIN}\n{head}\n\n{_table(campaign)}\n{_END}"
    pattern = re.escape(_BEGIN) + ".*" + re.escape(_END)
    path.write_text(re.sub(pattern, lambda _: between, text, flags=re.DOTALL))
    campaign.close()


if __name__ == "__main__":
    main()
