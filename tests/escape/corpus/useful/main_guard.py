if __name__ == "__main__":
    print("m")
else:
    raise SystemExit(1)
