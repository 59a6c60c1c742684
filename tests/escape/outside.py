"""The world outside that one attack aims at, and what has become of it afterwards."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from pathlib import Path

from aimesh.services.sandbox.folders import remove

_WATCHED = ("/tmp", "/var/tmp", "/dev/shm", "/usr/lib")
CANARY = "CANARY-in-the-environment"


class Outside:
    """Files, sockets and a process that belong to one attack alone."""

    def __init__(self, folder: Path, number: int, library: Path) -> None:
        """Set it up.

        Arguments:
            folder: where its files are to be; made here.
            number: different for every attack at the same time.
            library: where to make a file that the attack may read.
        """
        self.folder = folder
        self.id = f"{os.getpid()}-{number}"
        self.app = folder / "app"
        self.secret = self.app / "secret.txt"
        self.key = folder / "home" / ".ssh" / "key"
        for path in (self.secret, self.key, self.app / "stage.py"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("secret-text of " + path.name)
        self.library = library
        library.write_text("# a file that may be read\n")
        self._listen()
        environment = {"SBX_CANARY_TOKEN": CANARY, "PATH": os.environ.get("PATH", "/usr/bin:/bin")}
        self.decoy = subprocess.Popen(["sleep", "600"], env=environment, start_new_session=True)
        self._before = self._facts()

    def targets(self) -> dict[str, str]:
        """What to fill into an attack."""
        return {
            "ID": self.id,
            "APPDIR": str(self.app),
            "SECRET": str(self.secret),
            "HOMEKEY": str(self.key),
            "STAGE": str(self.app / "stage.py"),
            "LIBRARY": str(self.library),
            "PPID": str(self.decoy.pid),
            "PORT": str(self._tcp.getsockname()[1]),
            "SOCK": str(self.folder / "stream"),
            "DGRAM": str(self.folder / "datagram"),
            "ABSTRACT": f"sbx-{self.id}",
        }

    def effects(self) -> set[str]:
        """What the attack has changed or reached, by name."""
        after = self._facts()
        seen = {name for name, fact in after.items() if fact != self._before[name]}
        if self.decoy.poll() is not None:
            seen = (seen - {"decoy"}) | {"signal"}
        for name, listener in self._listeners:
            with contextlib.suppress(OSError):
                if listener.type == socket.SOCK_STREAM:
                    listener.accept()[0].close()
                else:
                    listener.recv(16)
                seen.add(name)
        return seen

    def close(self) -> None:
        """End the process, close the sockets, and remove what was written."""
        for _, listener in self._listeners:
            listener.close()
        with contextlib.suppress(ProcessLookupError):
            self.decoy.kill()
        self.decoy.wait()
        for path in self._written():
            if path.is_dir():
                path.rmdir()
            else:
                path.unlink()
        remove(self.folder)

    def _listen(self) -> None:
        self._tcp = socket.create_server(("127.0.0.1", 0))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(self._tcp.getsockname())
        stream, abstract = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
        stream.bind(str(self.folder / "stream"))
        abstract.bind(f"\0sbx-{self.id}")
        stream.listen()
        abstract.listen()
        datagram = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        datagram.bind(str(self.folder / "datagram"))
        named = [("tcp", self._tcp), ("udp", udp), ("unix", stream)]
        self._listeners = [*named, ("unix", abstract), ("unix", datagram)]
        for _, listener in self._listeners:
            listener.setblocking(False)

    def _facts(self) -> dict[str, object]:
        return {
            "secret": _file(self.secret),
            "library": _file(self.library),
            "app": sorted((path.name, _file(path)) for path in self.app.iterdir()),
            "wrote": self._written(),
            "decoy": _process(self.decoy.pid),
        }

    def _written(self) -> list[Path]:
        name = f"sbx-escape-{self.id}*"
        return [path for folder in _WATCHED for path in Path(folder).glob(name)]


def _file(path: Path) -> object:
    try:
        facts = path.lstat()
    except FileNotFoundError:
        return None
    attributes = [os.getxattr(path, name) for name in os.listxattr(path)]
    kept = (facts.st_mode, facts.st_uid, facts.st_gid, facts.st_nlink, facts.st_mtime_ns)
    return *kept, path.read_bytes(), attributes


def _process(pid: int) -> object:
    try:
        limits = Path(f"/proc/{pid}/limits").read_text()
        score = Path(f"/proc/{pid}/oom_score_adj").read_text()
        return (
            os.getpriority(os.PRIO_PROCESS, pid),
            os.sched_getaffinity(pid),
            os.sched_getscheduler(pid),
            limits,
            score,
        )
    except (OSError, ProcessLookupError):
        return None


def alive(pid: int) -> bool:
    """Whether a process is there and not merely waiting to be collected."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z"


def end(pid: int) -> None:
    """Kill a process, if it is there."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
