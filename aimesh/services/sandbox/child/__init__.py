"""What runs inside the sandboxed process, before and around the untrusted code.

These modules are sent to a bare interpreter as bytecode and see no file of this package, so they
import nothing but what every start of CPython has loaded anyway: each import would cost
milliseconds a run.
"""
