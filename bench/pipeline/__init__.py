"""Five hops without work, through each of several systems, side by side on the same machine."""
