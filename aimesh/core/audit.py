"""Whether every task is where it must be: reviewed with its row, dead-lettered, or in flight.

The facts come from topics that other programs write to meanwhile. They fit together when they are
taken in this order: committed offsets, then the open jobs, then the archive, then the topics from
the dead letters back to the tasks. Then whatever a stage has let go of is seen further on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from aimesh.core.archive import clean
from aimesh.core.balance import Problem, Report

# what a task goes through; each is a topic and the group that reads it
STEPS = ("tasks", "solutions", "verdicts", "reviews")
TASKS, SOLUTIONS, VERDICTS, REVIEWS = STEPS
ROLES = dict(zip(STEPS, ("consumer", "sandbox", "reviewer", "persistence"), strict=True))

# flags of one attempt at one step, shifted by _SHIFT for each step; `_FINAL` is no step's
_SEEN, _WAITING, _DEAD = 1, 2, 4
_SHIFT = {step: 3 * number for number, step in enumerate(STEPS)}
_FINAL = 1 << 12

Attempt = tuple[int, str]


def job_key(task_id: str, attempt: int, replay: str) -> str:
    """Return the key under which a stage knows a job."""
    return f"{task_id}#{attempt}" + (f"#r{replay}" if replay else "")


@dataclass(frozen=True)
class Message:
    """One message of a step's topic.

    ``place`` names where it stands, and is the task's id where it has no other. ``replay`` is its
    replay count as it was sent, empty for none. ``waiting`` tells that the step's group has not
    committed past it. ``digest`` stands for a review's content.
    """

    step: str
    place: str
    task_id: str = ""
    attempt: int = 1
    replay: str = ""
    waiting: bool = False
    final: bool = False
    digest: int = 0


class _Task:
    """What was seen of a task: flags by attempt and replay, a digest of each replay's review."""

    __slots__ = ("attempts", "digests")

    def __init__(self) -> None:
        self.attempts: dict[Attempt, int] = {}
        self.digests: dict[str, int] = {}

    def has(self, step: str, flag: int, attempt: Attempt | None = None) -> bool:
        wanted = flag << _SHIFT[step]
        if attempt is not None:
            return bool(self.attempts.get(attempt, 0) & wanted)
        return any(flags & wanted for flags in self.attempts.values())


@dataclass
class _Standing:
    """What a task comes to: its outcome, the steps that hold it, and where it got lost."""

    outcome: str = ""
    held: set[str] = field(default_factory=set)
    loose: list[tuple[Attempt, str]] = field(default_factory=list)


class Audit:
    """Takes the facts in, and gives the report. Dead letters must come before the messages.

    Arguments:
        with_rows: whether the archive is looked at.
    """

    def __init__(self, *, with_rows: bool = True) -> None:
        self._with_rows = with_rows
        self._tasks: dict[str, _Task] = {}
        # by place: whether the message was refused before it became a job
        self._dead: dict[str, bool] = {}
        self._met: set[str] = set()
        self._open: dict[str, set[str]] = {step: set() for step in STEPS}
        self._rows: Counter[str] = Counter()
        self._absorbed = 0
        self._found: list[Problem] = []

    # -- facts in

    def row(self, task_id: str) -> None:
        """Take in a row of the archive."""
        self._rows[task_id] += 1

    def dead_letter(self, place: str, *, rejected: bool) -> None:
        """Take in a dead letter.

        Arguments:
            place: where its original stands; the same name as that message's.
            rejected: it was refused before it became a job, so it is a task of its own.
        """
        self._absorbed += place in self._dead and not rejected
        self._dead[place] = rejected

    def message(self, message: Message) -> None:
        """Take in a message of one of the steps."""
        rejected = self._dead.get(message.place)
        if rejected and message.step != TASKS:
            return  # not of the mesh's making: nobody waits for it
        if rejected is not None:
            self._met.add(message.place)
        own_name = rejected or not message.task_id
        task_id = message.place if own_name else message.task_id
        task = self._tasks.setdefault(task_id, _Task())
        flags = _SEEN | (_WAITING * message.waiting) | (_DEAD * (rejected is not None))
        attempt, shift = (message.attempt, message.replay), _SHIFT[message.step]
        known = task.attempts.get(attempt, 0)
        task.attempts[attempt] = known | flags << shift | (_FINAL * message.final)
        self._absorbed += bool(known & _SEEN << shift)
        if message.step == REVIEWS:
            self._note_review(task_id, task, message)

    def _note_review(self, task_id: str, task: _Task, message: Message) -> None:
        if task.digests.setdefault(message.replay, message.digest) != message.digest:
            why = "two reviews that differ came of one run through the mesh"
            self._found.append(Problem(task_id, "reviewed_twice", why))

    def open_job(self, step: str, key: str, *, is_open: bool) -> None:
        """Take in that a step's stage took a job on, or closed it, in the order it happened."""
        (self._open[step].add if is_open else self._open[step].discard)(key)

    def incomplete(self, what: str, why: str) -> None:
        """Take in that the facts themselves are not whole."""
        self._found.append(Problem(what, "incomplete", why))

    # -- the judgement

    def needs_open_jobs(self) -> bool:
        """Tell whether a task would be missed without a look at the open jobs."""
        return any(
            standing.outcome == "lost" or self._misses_row(task_id, standing)
            for task_id, _, standing in self._judged()
        )

    def report(self) -> Report:
        """Return the balance of what was taken in."""
        counts: Counter[str] = Counter()
        at: Counter[str] = Counter()
        problems = list(self._found)
        for task_id, task, standing in self._judged():
            problems += self._problems(task_id, task, standing)
            if task.has(TASKS, _SEEN):
                counts["in"] += 1
                counts[standing.outcome] += 1
                if standing.outcome == "in_flight":
                    at[ROLES[max(standing.held, key=STEPS.index)]] += 1
        return Report(
            tasks_in=counts["in"],
            reviewed=counts["reviewed"],
            dead_lettered=counts["dead_lettered"],
            in_flight=counts["in_flight"],
            rows=self._rows.total() if self._with_rows else None,
            duplicates_absorbed=self._absorbed,
            other_dead_letters=len(self._dead) - len(self._met),
            in_flight_at=dict(at),
            problems=(*problems, *self._row_problems()),
        )

    def _judged(self) -> Iterator[tuple[str, _Task, _Standing]]:
        for task_id, task in self._tasks.items():
            standing = _Standing()
            for attempt in task.attempts:
                self._follow(task_id, task, attempt, standing)
            standing.outcome = self._outcome(task_id, task, standing)
            yield task_id, task, standing

    def _follow(self, task_id: str, task: _Task, attempt: Attempt, standing: _Standing) -> None:
        """Note where an attempt is held, and where it did not go on although nobody holds it."""
        for step in STEPS:
            if not task.has(step, _SEEN, attempt) or task.has(step, _DEAD, attempt):
                continue
            if self._went_on(task_id, task, step, attempt):
                continue
            if task.has(step, _WAITING, attempt) or self._is_open(task_id, step, attempt):
                standing.held.add(step)
            else:
                standing.loose.append((attempt, step))

    def _went_on(self, task_id: str, task: _Task, step: str, attempt: Attempt) -> bool:
        """Tell whether what a step makes of an attempt is there."""
        number, replay = attempt
        if step == TASKS:
            return task.has(SOLUTIONS, _SEEN, attempt)
        if step == SOLUTIONS:
            return task.has(VERDICTS, _SEEN, attempt)
        if step == REVIEWS:
            return self._has_row(task_id)
        if task.attempts[attempt] & _FINAL:
            return task.has(REVIEWS, _SEEN, attempt)
        return task.has(TASKS, _SEEN, (number + 1, replay))

    def _is_open(self, task_id: str, step: str, attempt: Attempt) -> bool:
        # a review has no attempt of its own, so persistence knows each as the first
        number = 1 if step == REVIEWS else attempt[0]
        return job_key(task_id, number, attempt[1]) in self._open[step]

    def _has_row(self, task_id: str) -> bool:
        return not self._with_rows or self._rows[clean(task_id)] > 0

    def _misses_row(self, task_id: str, standing: _Standing) -> bool:
        return standing.outcome == "reviewed" and not self._has_row(task_id)

    def _outcome(self, task_id: str, task: _Task, standing: _Standing) -> str:
        reviews = [a for a in task.attempts if task.has(REVIEWS, _SEEN, a)]
        kept = any(not task.has(REVIEWS, _DEAD, a) for a in reviews)
        if reviews and self._has_row(task_id) and (kept or self._with_rows):
            return "reviewed"
        if standing.held:
            return "in_flight"
        if reviews:
            return "reviewed" if kept else "dead_lettered"
        return "lost" if standing.loose else "dead_lettered"

    # -- what is wrong

    def _problems(self, task_id: str, task: _Task, standing: _Standing) -> Iterator[Problem]:
        if not task.has(TASKS, _SEEN):
            yield Problem(task_id, "unknown", "it is further on, but never was among the tasks")
        if standing.outcome == "lost":
            (number, _), step = max(standing.loose, key=lambda end: STEPS.index(end[1]))
            why = f"the {ROLES[step]} took attempt {number} on, and nothing came of it"
            yield Problem(task_id, "lost", why)
        if self._misses_row(task_id, standing):
            why = "it is reviewed and persistence took it on, but it has no row"
            yield Problem(task_id, "row_missing", why)
        if any(self._died_too(task, replay) for replay in task.digests):
            why = "one run through the mesh ended both with a review and as a dead letter"
            yield Problem(task_id, "two_outcomes", why)

    def _died_too(self, task: _Task, replay: str) -> bool:
        runs = [attempt for attempt in task.attempts if attempt[1] == replay]
        return any(task.has(step, _DEAD, run) for run in runs for step in STEPS[:-1])

    def _row_problems(self) -> Iterator[Problem]:
        reviewed = {clean(i) for i, task in self._tasks.items() if task.has(REVIEWS, _SEEN)}
        for task_id, count in self._rows.items():
            if count > 1:
                yield Problem(task_id, "row_doubled", f"the archive has {count} rows of it")
            if task_id not in reviewed:
                why = "the archive has a row of it, but there is no review"
                yield Problem(task_id, "row_unknown", why)
