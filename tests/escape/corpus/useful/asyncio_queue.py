import asyncio


async def m():
    q = asyncio.Queue()
    async with asyncio.TaskGroup() as g:
        g.create_task(q.put(1))
        g.create_task(q.get())


asyncio.run(m())
