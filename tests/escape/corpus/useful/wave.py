import wave

w = wave.open("a.wav", "wb")
w.setnchannels(1)
w.setsampwidth(2)
w.setframerate(8000)
w.writeframes(b"\0" * 100)
w.close()
