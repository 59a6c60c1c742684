import random, secrets, uuid

random.random()
secrets.token_hex()
uuid.uuid4()
uuid.uuid1()
