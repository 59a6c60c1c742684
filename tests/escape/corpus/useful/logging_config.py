import logging.config, logging.handlers
