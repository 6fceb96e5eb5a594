"""``python -m eval`` is ``xiaobao-eval``."""

from eval.cli import main

if __name__ == "__main__":
    main()
