import shutil, os

os.makedirs("d/e")
open("d/e/f", "w").write("x")
shutil.copytree("d", "c")
shutil.copy2("d/e/f", "g")
shutil.move("g", "h")
shutil.rmtree("d")
shutil.make_archive("arc", "zip", "c")
print(shutil.disk_usage(".").total > 0)
