"""`python -m redisvss`: the command line."""

from redisvss.cli import main

main()
