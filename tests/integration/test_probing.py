"""Whether a broker answers is known while it does not, and again when it does."""

from pathlib import Path

from aimesh.probing import BrokerProbe
from aimesh.services.kafka import KafkaAdmin
from tests.kafka import running_kafka
from tests.waiting import until


async def test_a_broker_that_goes_is_missed_and_one_that_comes_back_is_found(
    tmp_path: Path,
) -> None:
    async with running_kafka(tmp_path) as broker:
        probe = BrokerProbe(KafkaAdmin(broker.bootstrap))
        await probe.start()
        await until(lambda: probe.status.ok is True, 20)
        since = probe.status.since
        await broker.stop()
        await until(lambda: probe.status.ok is False, 30)
        assert probe.status.reason.startswith("no broker answers")
        assert probe.status.since > since
        await broker.start()
        await until(lambda: probe.status.ok is True, 30)
        await probe.stop()
