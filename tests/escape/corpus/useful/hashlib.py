import hashlib

hashlib.sha256(b"").hexdigest()
hashlib.blake2b(b"")
hashlib.scrypt(b"a", salt=b"b", n=2, r=1, p=1)
hashlib.pbkdf2_hmac("sha256", b"a", b"b", 1)
