try:
    input()
except EOFError:
    print("ok")
