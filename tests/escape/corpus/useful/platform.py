import platform

platform.machine()
platform.python_version()
platform.node()
platform.system()
platform.processor()
