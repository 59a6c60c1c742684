import zipfile

with zipfile.ZipFile("a.zip", "w", zipfile.ZIP_DEFLATED) as z:
    z.writestr("a", "b" * 1000)
zipfile.ZipFile("a.zip").extractall("out")
assert open("out/a").read()[0] == "b"
