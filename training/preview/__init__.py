"""Footage as it would be learnt, before hours are spent on it: a contact sheet, a video, and warnings."""
