"""What each ``dlbook`` command does; :mod:`dlbook.cli` only reads its arguments."""
