import logging

logging.basicConfig(level=20)
logging.info("x")
logging.FileHandler("x.log").close()
