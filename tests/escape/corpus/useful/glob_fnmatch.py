import glob, fnmatch

glob.glob("**/*", recursive=True)
