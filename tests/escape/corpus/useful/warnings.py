import warnings

warnings.warn("x")
