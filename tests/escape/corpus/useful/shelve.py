import shelve

with shelve.open("s") as s:
    s["a"] = 1
