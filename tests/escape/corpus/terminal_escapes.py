# expect: passed
# control: control-characters
# what: output that acts on the screen of whoever reads it
print("\x1b]0;title\x07\x1b[2J\x1b[1;1H\x9b31m \u202egnp.exe \x08\x08 \r overwritten \x00")
