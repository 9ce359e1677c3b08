"""What a message does, by its address.

`/dancenet/<group>/<name>` sets a parameter, or does a command; `/unit` below a parameter takes 0..1. The argument `?`,
or the address with `/?` below it, asks for the value. Wildcards reach parameters, or commands where they meet no
parameter: `/dancenet/dance/* 0` is not to reset the dancers as well. Arguments are coerced as far as they make sense:
true is 1, a name stands for its choice, text that reads as a number for that.

Owns how far a command's address is pressed: one is done when its number goes from 0.5 or less to more. All is done in
the order it came in, so that the newest value wins.
"""

import difflib
import math
from collections.abc import Callable, Mapping
from functools import lru_cache

from engine.controls import Controls
from engine.parameters import Command, Parameter
from engine.sources.osc_clients import Clients, Place, origin
from engine.sources.osc_complaints import Complaints
from engine.sources.osc_packets import Argument
from engine.sources.osc_patterns import PatternError, is_pattern, matching
from engine.sources.osc_routes import GROUP, ROOT, SIGNAL_KEYS, RouteAddresses

ASK = "?"
BELOW_ASK = "/?"
BELOW_UNIT = "/unit"
ROUTE, SUBSCRIBE, UNSUBSCRIBE, HEALTH = "route", "subscribe", "unsubscribe", "health"
# Commands a frame; more are a fault of the sender's, and each may cost the show something.
MOST_COMMANDS = 64
# Patterns whose meaning is remembered; a sender of more than these is slower, not wrong.
PATTERNS_KEPT = 64
# Commands that take a second argument, handed on as it is: how long a scene fades.
FADED = frozenset({"scene/recall"})
PRESSED = 0.5
HIGHEST_PORT = 65535
# No scene's name and no number is longer.
LONGEST_WORD = 100


def number(argument: Argument) -> float | None:
    """The number an argument is, or reads as; None for any other."""
    if isinstance(argument, str):
        try:
            return float(argument[:LONGEST_WORD])
        except ValueError:
            return None
    return None if argument is None else float(argument)


class Addresses:
    """Does what messages say to `controls`; answers and subscriptions are `clients`' business."""

    def __init__(self, controls: Controls, clients: Clients, complaints: Complaints) -> None:
        self.health: Callable[[], Mapping[str, object]] = dict
        """Gives how the show is, name -> number, text or None."""
        self._controls = controls
        self._clients = clients
        self._complaints = complaints
        self._routes = RouteAddresses(controls)
        self.played = 0
        """How many messages have changed a parameter, or were commands and routes."""
        self._pressed: dict[str, int] = {}  # command -> the number it is held at, 0 when it is let go
        self._commands_left = MOST_COMMANDS
        self._matching = lru_cache(maxsize=PATTERNS_KEPT)(self._match)

    def begin_frame(self) -> None:
        """Commands are counted from here."""
        self._commands_left = MOST_COMMANDS

    def take(self, address: str, arguments: tuple[Argument, ...], sender: Place) -> None:
        """Does what a message says."""
        key = address.removeprefix(ROOT)
        asks = key.endswith(BELOW_ASK)
        if asks:
            key = key.removesuffix(BELOW_ASK)
        elif arguments[:1] == (ASK,):
            asks, arguments = True, arguments[1:]
        if len(key) == len(address):  # not below /dancenet/
            self._unknown(address)
        elif not is_pattern(key):
            if not self._take(key, arguments, sender, asks):
                self._unknown(address)
        else:
            below = BELOW_UNIT if key.endswith(BELOW_UNIT) else ""
            for each in self._matching(key.removesuffix(below), self._controls.declared):
                self._take(each + below, arguments, sender, asks)

    def _match(self, pattern: str, declared: int) -> list[str]:
        """The keys that `pattern` stands for among the parameters of now; where there are none, that is told."""
        del declared  # what is remembered holds until parameters come or go
        try:
            found = matching(pattern, self._controls.parameters) or matching(pattern, self._controls.commands)
        except PatternError as error:
            self._complaints.tell(pattern, f"{ROOT + pattern!a}: {error}")
            return []
        if not found:
            self._complaints.tell(pattern, f"{ROOT + pattern!a} meets no address")
        return found

    def _take(self, key: str, arguments: tuple[Argument, ...], sender: Place, asks: bool) -> bool:
        """Does what the address `key` is for; False if there is none such."""
        if parameter := self._controls.parameters.get(key):
            if asks:
                self._answer(key, arguments, sender, self._controls.target(key))
            else:
                before = self._controls.target(key)
                self._set(parameter, arguments, sender)
                self.played += self._controls.target(key) != before
        elif key.endswith(BELOW_UNIT) and (parameter := self._controls.parameters.get(key.removesuffix(BELOW_UNIT))):
            if asks:
                self._answer(key, arguments, sender, parameter.to_unit(self._controls.target(parameter.key)))
            else:
                before = self._controls.target(parameter.key)
                self._set_unit(parameter, arguments, sender)
                self.played += self._controls.target(parameter.key) != before
        elif asks and (key in self._controls.commands or key in (SUBSCRIBE, UNSUBSCRIBE)):
            self._complaints.tell(key + BELOW_ASK, f"{ROOT}{key} is done, and has no value to ask for")
        elif command := self._controls.commands.get(key):
            self._command(command, arguments)
        elif key in SIGNAL_KEYS:
            if asks:
                self._answer(key, arguments, sender, self._controls.signals.get(key, 0.0))
            else:
                self._complaints.tell(key, f"{ROOT}{key} is a signal: it is sent, and cannot be set")
        elif key == HEALTH:
            if asks:
                self._answer_health(arguments, sender)
            else:
                self._complaints.tell(key, f"{ROOT}{key} can be asked for only: send it with ?")
        elif key in (SUBSCRIBE, UNSUBSCRIBE):
            self._subscription(key, arguments, sender)
        elif key == ROUTE or key.startswith(GROUP):
            return self._route(key, arguments, sender, asks)
        else:
            return False
        return True

    def _set(self, parameter: Parameter, arguments: tuple[Argument, ...], sender: Place) -> None:
        first = arguments[0] if arguments else None
        if isinstance(first, str) and parameter.choices:
            choice = first.casefold()
            if choice in parameter.choices:
                self._controls.set(parameter.key, float(parameter.choices.index(choice)), origin(sender))
                return
        value = parameter.high if parameter.momentary and not arguments else number(first)
        if value is None:
            wanted = f"a number or {', '.join(parameter.choices)} is" if parameter.choices else "a number is"
            self._complaints.tell(parameter.key, f"{parameter.address}: {wanted} wanted first")
            return
        try:
            self._controls.set(parameter.key, value, origin(sender))
        except ValueError as error:
            self._complaints.tell(parameter.key, str(error))

    def _set_unit(self, parameter: Parameter, arguments: tuple[Argument, ...], sender: Place) -> None:
        value = number(arguments[0]) if arguments else None
        if value is None:
            self._complaints.tell(parameter.key + BELOW_UNIT, f"{parameter.address}/unit: a number is wanted first")
            return
        try:
            self._controls.set_unit(parameter.key, value, origin(sender))
        except ValueError as error:
            self._complaints.tell(parameter.key + BELOW_UNIT, str(error))

    def _command(self, command: Command, arguments: tuple[Argument, ...]) -> None:
        """Does a command that is pressed; nothing, or words, do it at once."""
        first = arguments[0] if arguments else None
        if command.argument and first is None:
            self._complaints.tell(command.key, f"{command.address}: {command.argument} is wanted")
            return
        taken = [argument for argument in arguments[:2] if argument is not None]
        if any(len(a) > LONGEST_WORD if isinstance(a, str) else not math.isfinite(a) for a in taken):
            self._complaints.tell(command.key, f"{command.address}: numbers, and names that are not long, are wanted")
            return
        passed: list[float | str] = [a if isinstance(a, str) else float(a) for a in taken]
        if first is not None and not isinstance(first, str):
            if command.argument and type(first) is int:
                self._pressed.pop(command.key, None)  # whole numbers are sent on purpose, not by every cook
            if not self._press(command, first):
                return
            passed[0] = float(self._pressed[command.key])
        passed = passed[: 0 if not command.argument else 2 if command.key in FADED else 1]
        if self._commands_left == 0:
            self._complaints.tell("commands", f"more than {MOST_COMMANDS} commands in a frame; the rest are left out")
            return
        self._commands_left -= 1
        self.played += 1
        self._controls.command(command.key, *passed)

    def _press(self, command: Command, value: float) -> bool:
        """Whether `value` presses the command: rises above 0.5 or, if it takes a number, becomes another one."""
        held = 0 if value <= PRESSED else max(1, round(value)) if command.argument else 1
        before, self._pressed[command.key] = self._pressed.get(command.key, 0), held
        return held not in (0, before)

    def _route(self, key: str, arguments: tuple[Argument, ...], sender: Place, asks: bool) -> bool:
        found = None if key == ROUTE else self._routes.find(key)
        if key != ROUTE and found is None:
            return False
        try:
            if found is None and asks:
                for spelled in self._routes.spelled():
                    self._answer(key, arguments, sender, *spelled)
            elif found is None:
                self._routes.set_all(arguments)
                self.played += 1
            elif asks:
                route, field = found
                self._answer(key, arguments, sender, float(getattr(route, field)))
            else:
                value = number(arguments[0]) if arguments else None
                if value is None:
                    raise ValueError("a number is wanted first")
                self._routes.set_field(*found, value)
        except ValueError as error:
            self._complaints.tell(key, f"{ROOT}{key}: {error}")
        return True

    def _subscription(self, key: str, arguments: tuple[Argument, ...], sender: Place) -> None:
        port = self._port(arguments)
        if arguments and port is None:
            self._complaints.tell(key, f"{ROOT}{key}: a port is wanted, 1..{HIGHEST_PORT}, or nothing")
        elif key == SUBSCRIBE:
            self._clients.subscribe(sender, port)
        else:
            self._clients.unsubscribe(sender, port)

    def _answer_health(self, arguments: tuple[Argument, ...], sender: Place) -> None:
        """A message for each of what there is to know: its name, then a number, or a text, empty for nothing."""
        for name, value in self.health().items():
            told = float(value) if isinstance(value, bool | int | float) else str("" if value is None else value)
            self._answer(HEALTH, arguments, sender, name, told)

    def _answer(self, key: str, arguments: tuple[Argument, ...], sender: Place, *values: float | str) -> None:
        self._clients.answer(sender, self._port(arguments), ROOT + key, *values)

    @staticmethod
    def _port(arguments: tuple[Argument, ...]) -> int | None:
        """The port that is the first argument, None if that is none."""
        value = number(arguments[0]) if arguments else None
        return int(value) if value is not None and 1 <= value <= HIGHEST_PORT else None

    def _unknown(self, address: str) -> None:
        if not self._complaints.first(address):
            return
        keys = (
            *self._controls.parameters,
            *self._controls.commands,
            *SIGNAL_KEYS,
            ROUTE,
            SUBSCRIBE,
            UNSUBSCRIBE,
            HEALTH,
        )
        known = [ROOT + key for key in keys]
        near = difflib.get_close_matches(address, known, n=1)
        meant = f"; did you mean {near[0]}?" if near else ""
        self._complaints.tell(address, f"unknown address {address!a}{meant}")
