"""The description of the whole API, made from the routes themselves, and a page that shows it."""

from aimesh.views.openapi.pages import routes

__all__ = ["routes"]
