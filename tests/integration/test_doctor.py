"""The doctor sees a broker that runs."""

from __future__ import annotations

from aimesh.services import doctor
from aimesh.settings import Settings


async def test_a_kafka_that_is_set_and_answers(kafka: str) -> None:
    check = await doctor.kafka(Settings(kafka=f"127.0.0.1:1,{kafka}"))
    assert check.ok
    assert kafka in check.detail
