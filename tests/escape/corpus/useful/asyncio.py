import asyncio


async def m():
    await asyncio.sleep(0.01)
    return await asyncio.to_thread(lambda: 5)


assert asyncio.run(m()) == 5
