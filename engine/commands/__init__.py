"""What each command of the command line does; they alone wire parts together."""
