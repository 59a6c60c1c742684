from pathlib import Path

Path("a").write_text("x")
assert list(Path(".").glob("*")) == [Path("a")]
Path("a").chmod(0o600)
Path("a").touch()
Path.home()
print(Path.cwd())
