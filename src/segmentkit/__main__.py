"""``python -m segmentkit``: the command line."""

from segmentkit._cli import main

if __name__ == "__main__":
    main()
