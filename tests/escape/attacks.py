"""The corpus of attacks: one file each, whose first lines say what must come of it.

# expect: verdicts that are right when it is held
# control: effects of which at least one must be seen when nothing holds it ("none": no attack)
# shows: text that must be in the output         # exit: the exit code
# needs: root (what it does works only for root)  # machine: x86_64 (numbers of that machine)
# residue: metadata (tolerated where there are no namespaces)
# not-with: a set of layers in which something harmless cannot work
# what: what it tries
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.escape.numbers import NUMBERS

CORPUS = Path(__file__).parent / "corpus"


@dataclass(frozen=True, kw_only=True)
class Attack:
    """One file of the corpus."""

    name: str
    source: str
    expect: tuple[str, ...]
    control: tuple[str, ...]
    shows: str = ""
    exit: int | None = None
    needs_root: bool = False
    machine: str = ""
    metadata_only: bool = False
    not_with: str = ""
    waits: bool = False
    what: str = ""

    @property
    def harmless(self) -> bool:
        """Whether it is no attack, but something that has to work or be survived."""
        return self.control == ("none",)

    @property
    def slow(self) -> bool:
        """Whether only a limit ends it."""
        return "overtime" in self.control

    def applies(self) -> bool:
        """Whether its system call numbers are those of this machine."""
        return self.machine in ("", platform.machine())

    def aimed(self, targets: Mapping[str, str]) -> str:
        """Its source, with the names of what it attacks filled in."""
        column = {"x86_64": 0, "aarch64": 1}.get(platform.machine(), 0)
        source = self.source
        for name, numbers in NUMBERS.items():
            source = source.replace(f"@@NR:{name}@@", str(numbers[column]))
        for name, target in targets.items():
            source = source.replace(f"@@{name}@@", target)
        return source.replace("sbx-escape", f"sbx-escape-{targets['ID']}")


def corpus() -> list[Attack]:
    """All attacks that can be tried on this machine, by name."""
    prelude = (CORPUS / "_prelude.py").read_text()
    attacks = [_read(path, prelude) for path in sorted(CORPUS.glob("[!_]*.py"))]
    return [attack for attack in attacks if attack.applies()]


def _read(path: Path, prelude: str) -> Attack:
    text = path.read_text()
    head = {}
    for line in text.splitlines():
        if not line.startswith("# "):
            break
        key, _, value = line.removeprefix("# ").partition(": ")
        head[key] = value.strip()
    return Attack(
        name=path.stem,
        source=text if "def attempt" in text else prelude + text,
        expect=tuple(head["expect"].split()),
        control=tuple(head["control"].split()),
        shows=head.get("shows", ""),
        exit=int(head["exit"]) if "exit" in head else None,
        needs_root=head.get("needs") == "root",
        machine=head.get("machine", ""),
        metadata_only=head.get("residue") == "metadata",
        not_with=head.get("not-with", ""),
        waits=head.get("ends-by") == "the clock",
        what=head.get("what", ""),
    )
