import sqlite3

c = sqlite3.connect("t.db")
assert c.execute("pragma journal_mode=wal").fetchone() == ("wal",)
c.execute("create table t(x)")
c.execute("insert into t values(1)")
c.commit()
c.close()
