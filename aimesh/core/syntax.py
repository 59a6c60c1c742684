"""Parsing of foreign Python text: never a warning, never anything but a SyntaxError."""

from __future__ import annotations

import ast
import builtins
import warnings

BUILTINS = frozenset(dir(builtins))


def parsed_program(code: str) -> ast.Module:
    """The tree of a whole program which also compiles.

    Raises:
        SyntaxError: it does not compile, or is nested too deeply for Python to read.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(code)
            compile(tree, "<answer>", "exec")
    except (ValueError, MemoryError, RecursionError) as exc:
        raise SyntaxError(str(exc)) from exc
    return tree


def parsed_expression(text: str) -> ast.expr:
    """The tree of a single expression.

    Raises:
        SyntaxError: it is no expression, or is nested too deeply for Python to read.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text, mode="eval").body
    except (ValueError, MemoryError, RecursionError) as exc:
        raise SyntaxError(str(exc)) from exc


def names_read(tree: ast.AST) -> set[str]:
    """Every name that is read somewhere in the tree."""
    return {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }


def names_bound(tree: ast.AST) -> set[str]:
    """Every name that something in the tree gives a value to."""
    bound: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                bound.add(name)
            case ast.ClassDef(name=name) | ast.ExceptHandler(name=str(name)):
                bound.add(name)
            case ast.alias(name=name, asname=alias):
                bound.add(alias or name.partition(".")[0])
            case ast.arg(arg=name) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                bound.add(name)
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                bound.add(name)
            case _:
                pass
    return bound
