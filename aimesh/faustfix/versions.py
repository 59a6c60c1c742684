"""Which libraries the corrections fit."""

from __future__ import annotations

import aiokafka
import faust
from faust import streams

from aimesh.errors import IncompatibleFaustError

VERIFIED = {"faust-streaming": "0.15.3", "aiokafka": "0.14.0"}


def verify_versions() -> None:
    """Check that the corrections fit the installed libraries.

    Raises:
        IncompatibleFaustError: names the version found, and the one to install.
    """
    found = {"faust-streaming": faust.__version__, "aiokafka": aiokafka.__version__}
    for name, version in VERIFIED.items():
        if found[name] != version:
            raise IncompatibleFaustError(
                f"{name} {found[name]} is installed, but AI-Mesh's corrections were verified with "
                f"{version} only: pip install {name}=={version}"
            )
    if getattr(streams, "_CStreamIterator", None) is None:
        raise IncompatibleFaustError(
            "Faust's compiled stream iterator is missing or switched off (NO_CYTHON), and the pure "
            "Python one acknowledges events of partitions that have moved: reinstall the wheel"
        )
