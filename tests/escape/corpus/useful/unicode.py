print("héllo ✓ 你好 👩‍👩‍👧")
