open("ü.txt", "w").write("ü")
assert open("ü.txt").read() == "ü"
