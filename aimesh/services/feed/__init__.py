"""The feed as clients get it: the recent past, then everything as it happens, resumable."""

from aimesh.services.feed.entries import StreamEvent
from aimesh.services.feed.hub import FeedHub
from aimesh.services.feed.subscription import Subscription

__all__ = ["FeedHub", "StreamEvent", "Subscription"]
