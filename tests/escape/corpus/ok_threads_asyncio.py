# expect: passed
# shows: conc-ok
# control: none
import asyncio,threading,concurrent.futures,queue
async def m():
    return sum(await asyncio.gather(*[asyncio.sleep(0.01,i) for i in range(10)]))
assert asyncio.run(m())==45
with concurrent.futures.ThreadPoolExecutor(4) as ex: assert sum(ex.map(lambda x:x*x,range(10)))==285
print("conc-ok")
