import socket

try:
    socket.socket()
except PermissionError:
    print("refused")
