#!/usr/bin/env python3
"""Put many bare tasks into ai_topic at once, as any outside program may: aiokafka is all it needs.

Usage: python scripts/stress_test.py [-n 50] [--bootstrap localhost:9092] [--topic ai_topic]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

TASKS = (
    "Write a function that reverses a list without using reversed().",
    "Write a function that tells whether a text is a palindrome.",
    "Write a function that returns the n-th Fibonacci number.",
    "Write a function that counts the words of a text.",
    "Write a function that merges two sorted lists.",
)


async def flood(bootstrap: str, topic: str, number: int) -> None:
    """Send so many tasks, without keys and headers, and wait until the broker has them."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    try:
        await producer.start()
        sent = []
        for n in range(number):
            text = f"{TASKS[n % len(TASKS)]} (stress task {n + 1} of {number})"
            sent.append(await producer.send(topic, json.dumps({"task": text}).encode()))
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


def main() -> None:
    """Read the command line and send."""
    parser = argparse.ArgumentParser(description="Put many bare tasks into the mesh at once.")
    parser.add_argument("-n", "--number", type=int, default=50)
    parser.add_argument("--bootstrap", default="localhost:9092")
    parser.add_argument("--topic", default="ai_topic")
    given = parser.parse_args()
    try:
        asyncio.run(flood(given.bootstrap, given.topic, given.number))
    except KafkaError as exc:
        sys.exit(f"no broker took them at {given.bootstrap}: {exc}")
    print(f"sent {given.number} tasks to {given.topic} at {given.bootstrap}")


if __name__ == "__main__":
    main()
