import urllib.request, urllib.error

try:
    urllib.request.urlopen("http://127.0.0.1:9")
except urllib.error.URLError as e:
    print(e)
