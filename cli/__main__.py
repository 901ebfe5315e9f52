"""`python -m aez.cli`."""

from aez.cli.main import main

main()
