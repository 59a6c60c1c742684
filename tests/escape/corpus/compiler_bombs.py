# expect: passed failed killed out_of_memory timeout
# control: none
# what: source that is small and hard to compile
for t in ("(" * 3000, "-" * 100000 + "1", "x" + ".a" * 30000, "[" * 90 + "]" * 90, "lambda:" * 2000 + "0", "1+" * 50000 + "1", "f'" + "{" * 500):
    try: compile(t, "x", "exec"); print("compiled")
    except (SyntaxError, RecursionError, MemoryError, ValueError) as e: print("refused:", type(e).__name__)
