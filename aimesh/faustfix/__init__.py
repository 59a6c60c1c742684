"""Corrections to Faust, in one place: what stock Faust 0.15 loses or hangs on, and not here.

Each class overrides by inheritance what it corrects and says which defect it answers:

- `consumer`: commits over holes and over slow handlers (faust-streaming issue 606, pull request
  707; the holes themselves are reported nowhere yet), messages dropped around a rebalance, seeks
  from a foreign thread, the fixed fetch wait of 1.5 s, which stalls bursts on small clusters.
- `client_thread`: a thread for every application, which take Python's lock from each other.
- `clients`: a producer for every application, which send many small requests.
- `handing`: four tasks for each message on its way to a stream.
- `monitor`: statistics of each message that nobody reads.
- `flow`: queues cleared although the flow was never stopped (faust-streaming issue 596).
- `producer`: a way from a table's change to its changelog that costs more than all the rest, and
  topics that aiokafka forgets once it is told of a new one, so that what waits for them is stuck
  until it expires (reported nowhere that we know of).
- `recovery`: a broker that is slow while tables are read, which ends recovery for good; local
  state that is ahead of its changelog, which ends the worker (faust-streaming issue 158); a
  changelog whose last record is gone, which recovery waits for without end (issues 176, 597).
- `thread`: what the client handed out of each partition, which tells a log's own gaps from records
  that were dropped.
- `lease`: a worker that was stopped for longer than its group waits, and writes on to tables that
  are another's by then: what was known since is taken away from whoever reads them next.
- `table_writer`, `store` and `recovery`: what no lease can rule out, for a worker may be stopped
  after its last look at it. Every owner of a partition claims it with the next epoch, and what is
  written behind that in an earlier one does not count (`core.epochs`).
- `tables`: changelog writes whose failure is only logged, values too large to be written, which
  end the worker after the offset was committed, and offsets remembered for partitions that have
  moved away.
- `store`: garbage collections that stop the event loop for every table at every rebalance, a
  broken database that ends the worker at every start, and 2 GB of memory that every partition of
  every table may take.
- `app`: settings that hang or evict (robinhood/faust issue 517), queues so small that a backlog
  holds up results, and an application that must be created without touching the environment.

They were verified against exactly the versions in `VERIFIED`; any other is refused.
"""

from aimesh.faustfix.app import MeshApp
from aimesh.faustfix.clients import Clients
from aimesh.faustfix.consumer import MeshConsumer, MeshTransport
from aimesh.faustfix.flow import CalmFlow
from aimesh.faustfix.producer import MeshProducer
from aimesh.faustfix.recovery import MeshRecovery, MeshTableManager
from aimesh.faustfix.tables import MeshTable, Position, writing_for
from aimesh.faustfix.thread import MeshThread
from aimesh.faustfix.versions import VERIFIED, verify_versions

__all__ = [
    "VERIFIED",
    "CalmFlow",
    "Clients",
    "MeshApp",
    "MeshConsumer",
    "MeshProducer",
    "MeshRecovery",
    "MeshTable",
    "MeshTableManager",
    "MeshThread",
    "MeshTransport",
    "Position",
    "verify_versions",
    "writing_for",
]
