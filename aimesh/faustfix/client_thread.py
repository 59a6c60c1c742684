"""One thread for all clients of a worker that read from Kafka."""

from __future__ import annotations

import asyncio
import threading
import weakref
from functools import cached_property

from mode.threads import ServiceThread, WorkerThread


class ClientThread:
    """The thread in which clients read from Kafka: in their groups, however busy all else is.

    Stock Faust starts one for every application. Where a worker has several, each of their threads
    takes Python's lock from the others, and from the application, at every message.

    The thread runs while any client does. Its loop is there for as long as this object is.
    """

    def __init__(self) -> None:
        self._guests = 0
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @cached_property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The thread's event loop."""
        loop = asyncio.new_event_loop()
        weakref.finalize(self, loop.close)
        return loop

    def start(self, guest: Guest) -> None:
        """Run a guest here."""
        with self._lock:
            self._guests += 1
            if self._guests == 1:
                self._join()
                self._thread = threading.Thread(target=self._run, name="kafka-clients")
                self._thread.start()
        asyncio.run_coroutine_threadsafe(self._hosted(guest), self.loop)

    def leave(self) -> None:
        """Wait for the thread to end, where no guest is left."""
        with self._lock:
            if not self._guests:
                self._join()

    def _join(self) -> None:
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    async def _hosted(self, guest: Guest) -> None:
        try:
            await guest.serve()
        finally:
            with self._lock:
                self._guests -= 1
                is_last = not self._guests
            guest.is_stopped.set()
            if is_last:
                await _cancel_others()
                self.loop.stop()


class Guest(WorkerThread):
    """What Faust takes for a thread of its own: runs a service in the thread of all clients.

    Arguments:
        host: that thread.
        service: what runs there.
    """

    def __init__(self, host: ClientThread, service: ServiceThread) -> None:
        super().__init__(service)
        self._host = host

    def start(self) -> None:
        """Begin to run the service."""
        self._host.start(self)

    async def serve(self) -> None:
        """Run the service until it is told to stop."""
        try:
            await self.service._serve()
        except Exception:  # noqa: BLE001 - whatever the client raises
            # it has told of it; whoever waits for its end is let go, as its own thread would do
            self.service.set_shutdown()

    def stop(self) -> None:
        """Wait until the service has ended."""
        self.is_stopped.wait()
        self._host.leave()


async def _cancel_others() -> None:
    """Cancel what clients have left behind, and wait until it has ended."""
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
