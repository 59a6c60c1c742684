# expect: killed
# control: wrote
# machine: x86_64
# what: system calls by the 32-bit door, whose numbers mean other calls
import ctypes, mmap, struct
path = ctypes.create_string_buffer(b"/tmp/sbx-escape-80\0")
low = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40, prot=7)
base = ctypes.addressof(ctypes.c_char.from_buffer(low))
low[64:64 + len(path.raw)] = path.raw
# push rbx; mov eax, 39 (mkdir); mov ebx, path; mov ecx, 0o700; int 0x80; pop rbx; ret
low[0:19] = b"\x53\xb8\x27\0\0\0\xbb" + struct.pack("<I", base + 64) + b"\xb9\xc0\x01\0\0\xcd\x80\x5b"
low[19:20] = b"\xc3"
print(ctypes.CFUNCTYPE(ctypes.c_int)(base)())
