import dbm.dumb

dbm.dumb.open("x", "c").close()
