# expect: killed
# control: core
# what: leaves an image of its memory
import os, resource
try: resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
except (OSError, ValueError) as e: print("blocked:", e)
os.abort()
