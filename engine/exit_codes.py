"""The exit codes of our processes: what a shell, a service and our own supervisor go by."""

FINE, FAILED, USAGE = 0, 1, 2
# A show that a supervisor keeps found no display, or not the monitor it is for: it is to be started once there is one.
NO_DISPLAY = 3
