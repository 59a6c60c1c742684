"""What the model answers when it is asked for a review."""

from __future__ import annotations

from aimesh.core.text import cut
from aimesh.embedded.rehearsal.catalogue import Entry
from aimesh.embedded.rehearsal.reading import Question

_MOST_QUOTED = 300
_PITFALLS = {
    "empty-input": "It does not think of empty input.",
    "last-window": "Its loop ends one step too early.",
    "endless-loop": "Its range does not shrink in every step, so the loop never ends.",
    "recursion-limit": "It recurses once for every link, more often than Python allows.",
    "tie-order": "It leaves the order among equals to chance.",
    "inner-order": "It sorts the groups but not what is in them.",
    "pop-from-empty": "It takes from a stack without looking whether there is anything on it.",
    "changed-argument": "It changes the list that it was given.",
    "shared-rows": "All of its rows are one and the same list.",
    "too-much-memory": "It keeps one entry for every number up to the limit.",
    "last-group": "It forgets what is left when the loop is over.",
    "single-member": "It writes single members as if they were ranges.",
    "missing-key": "It expects a key for every node.",
    "too-slow": "It solves the same smaller problems again and again.",
    "touching-ends": "It is wrong where one interval ends as another begins.",
}


def review(question: Question, entry: Entry | None) -> str:
    """A short review that quotes what the run printed."""
    quoted = _quoted(question.output)
    if question.success:
        parts = [f"The solution is correct. Its run shows it:\n\n{quoted}\n"]
        parts.append(
            f"On its cost: {entry.remark}." if entry else "The program ran without an error."
        )
        parts.append("The names are clear and nothing needs to be changed.")
    else:
        parts = [f"The solution is not correct. Its run ended like this:\n\n{quoted}\n"]
        parts += [_PITFALLS[why] for why in _reasons(question.code, entry)]
        parts.append("I would write a test for just this case, and mend the code until it passes.")
    return "\n".join([*parts, "", "(A scripted review by AI-Mesh's rehearsal model.)"])


def _reasons(code: str, entry: Entry | None) -> list[str]:
    if entry is None:
        return []
    pairs = zip(entry.wrong, entry.pitfalls, strict=True)
    return [why for wrong, why in pairs if wrong.strip() == code.strip()]


def _quoted(output: str) -> str:
    lines = [line for line in output.split("\n") if line.strip()][-3:]
    if not lines:
        return "> (it printed nothing)"
    return "\n".join(f"> {cut(line, _MOST_QUOTED)}" for line in lines)
