import tempfile, os

with tempfile.NamedTemporaryFile() as f:
    f.write(b"x")
    f.flush()
    assert os.path.getsize(f.name) == 1
with tempfile.TemporaryDirectory() as d:
    open(d + "/a", "w").write("x")
with tempfile.TemporaryFile() as f:
    f.write(b"1")
with tempfile.SpooledTemporaryFile(4) as f:
    f.write(b"123456")
