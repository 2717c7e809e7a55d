"""``python -m bangfu`` is the command ``bangfu``."""

from bangfu.cli import main

main()
