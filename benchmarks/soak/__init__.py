"""A soak: a show plays for as long as one likes while harm is done to it, and is judged by what it was measured at."""
