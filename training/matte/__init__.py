"""Mattes: footage of people -> silhouettes, by a green screen, an even backdrop, an empty room, or a moving camera."""
