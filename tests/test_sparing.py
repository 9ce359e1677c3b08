"""Lines that come again and again are said less and less often."""

from engine.sparing import FORGOTTEN, MOST, sparing


class Wall:
    """A clock in a test's hands."""

    time = 0.0

    def __call__(self) -> float:
        return self.time


def test_of_many_lines_few_are_said() -> None:
    said: list[str] = []
    speak = sparing(said.append)
    for _ in range(40):
        speak("fell")
    assert said == ["fell"] * 4 + [f"fell (the {count}th time)" for count in (8, 16, 32)]


def test_each_line_is_counted_by_itself_unless_they_are_alike() -> None:
    said: list[str] = []
    each, all_alike = sparing(said.append), sparing(said.append, alike=lambda line: "")
    for number in range(6):
        each(f"line {number}")
    assert said == [f"line {number}" for number in range(6)]
    said.clear()
    for number in range(1, 9):
        all_alike(f"line {number}")
    assert said == ["line 1", "line 2", "line 3", "line 4", "line 8 (the 8th time)"]


def test_a_line_that_has_not_come_for_an_hour_is_new() -> None:
    said: list[str] = []
    wall = Wall()
    speak = sparing(said.append, now=wall)
    for _ in range(6):
        speak("lost")
        wall.time += 60
    wall.time += FORGOTTEN
    speak("lost")
    assert said == ["lost"] * 5


def test_what_is_remembered_is_bounded_and_the_oldest_goes_first() -> None:
    said: list[str] = []
    speak = sparing(said.append)
    for _ in range(5):
        speak("often")
    for number in range(MOST - 1):
        speak(f"{number}")
    speak("often")  # the 6th time; now the youngest
    assert said[-1] == f"{MOST - 2}"
    for number in range(MOST):
        speak(f"more {number}")
    speak("often")
    assert said[-1] == "often"
