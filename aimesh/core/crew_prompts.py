"""What the crew's agents ask the model. Every prompt is bounded: long parts are cut visibly."""

from __future__ import annotations

from collections.abc import Sequence

from aimesh.core.crew import CONTEXT_BYTES, QUESTION_BYTES
from aimesh.core.prompts import Prompt
from aimesh.core.text import cut

# what tells the kinds of prompt apart, also for the rehearsal model
PLAN_SYSTEM = "You lead a crew of agents. You plan who does what; you do none of it yourself."
RESEARCH_SYSTEM = (
    "You are a researcher. You gather what is known and needed, in short points, and you say what "
    "you do not know."
)
WRITE_SYSTEM = (
    "You are a writer. You turn what others found into one clear answer, and add nothing to it."
)
CHECK_SYSTEM = (
    "You are a reviewer. You look at the work of others and say what is right, what is wrong and "
    "what is missing, and you quote it."
)


def plan(question: str) -> Prompt:
    """Ask who does what for a question."""
    parts = [
        "Plan the work on this question:",
        _tagged("question", cut(question, QUESTION_BYTES)),
        "These are the agents:\n"
        "researcher - gathers facts\n"
        "coder - writes a Python program and runs it\n"
        "writer - writes the answer from what the others found\n"
        "reviewer - checks the answer and the code",
        "Give each agent that is needed one step, six steps at most, in this form and with nothing "
        "else:\n\n1. agent: what it shall do\nReason: why it is needed",
    ]
    return Prompt(PLAN_SYSTEM, "\n\n".join(parts))


def research(task: str, question: str, context: Sequence[tuple[str, str]]) -> Prompt:
    """Ask for facts."""
    end = "Answer with at most ten short points."
    return Prompt(RESEARCH_SYSTEM, _with_context(task, question, context, end))


def write(task: str, question: str, context: Sequence[tuple[str, str]]) -> Prompt:
    """Ask for the answer's text."""
    end = "Answer the question in at most three paragraphs, from what was found alone."
    return Prompt(WRITE_SYSTEM, _with_context(task, question, context, end))


def check(task: str, question: str, context: Sequence[tuple[str, str]]) -> Prompt:
    """Ask for a look at what others did."""
    end = "Answer with at most ten sentences."
    return Prompt(CHECK_SYSTEM, _with_context(task, question, context, end))


def _with_context(task: str, question: str, context: Sequence[tuple[str, str]], end: str) -> str:
    parts = [_tagged("task", cut(task, QUESTION_BYTES))]
    if question and question != task:
        parts.append("It is a part of the work on this question:")
        parts.append(_tagged("question", cut(question, QUESTION_BYTES)))
    if context:
        share = CONTEXT_BYTES // len(context)
        found = [_tagged("found", f"By: {agent}\n{cut(text, share)}") for agent, text in context]
        parts += ["This is what others found:", *found]
    return "\n\n".join([*parts, end])


def _tagged(tag: str, text: str) -> str:
    return f"<{tag}>\n{text.strip(chr(10))}\n</{tag}>"
