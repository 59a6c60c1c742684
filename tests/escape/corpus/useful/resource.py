import resource

resource.getrusage(resource.RUSAGE_SELF)
resource.getrlimit(resource.RLIMIT_AS)
