"""The dancer: a company that steps the model, carries its state and its noise, and shows the latents between two steps.

Owns the dance: who dances, its place in dance time, and the passages of real footage that dancers are led through: to
begin with, when they join, and after a fall. The batch axis is the company of dancers; one is a company of one. The
first leads: in unison the others follow.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from engine.axes import Axes
from engine.bundle import Bundle
from engine.canon import Canon
from engine.energy import Energy, entropy
from engine.noise import Noise
from engine.parameters import MOST_DANCERS
from engine.squad import MOST, Squad, company
from engine.stage import FADE

# Eased back, a dancer crosses from where it was into the passage in this many seconds of dance time.
EASE = 0.5
# Places closer to a step than this, in steps, are the step: sums of 1/144 s never meet it exactly.
AT_THE_STEP = 1e-6
# What leads a dancer: nothing, the leader's dance, or a passage of the bank by its number.
FREE, LEADER = -1, -2
# In part of a unison, every dancer decides anew after so many seconds of dance time whether to go with the leader: two
# bars at 120 beats a minute. The golden ratio keeps dancers from deciding all at once.
PHRASE = 4.0
STAGGER = 0.618
# Temperature widens a movement up to this, the spread that was learned; above, it only makes the choice of movements
# freer. Wider noise takes bodies apart: of half an hour at 1.5 it lost one, and a limb in a third of the images, not a
# fifth, for hardly more motion.
WIDEST = 1.0
# What a dance keeps for each dancer, beside the model's state and the canon's history.
ROWS = ("latest", "led_by", "given", "origin", "crossed")


@dataclass(frozen=True)
class Fall:
    """A dancer that had to be eased back: which one, at what step, why, and to which passage of the bank."""

    step: int
    dancer: int
    reason: str
    passage: int


class Dancer:
    """A company with a seed for each. It has been led through passages and dances from the first frame on.

    Parameters are read from the values handed to `advance`: all of `dance/`, `tempo/bpm` and the bundle's own controls,
    which are at their defaults where they are not among the values.
    """

    def __init__(self, bundle: Bundle, seeds: Sequence[int]) -> None:
        size = bundle.metadata.latent_size
        self.steps: list[NDArray[np.float32]] = []
        """The latents (dancers, latent_size) of each step taken in the last `advance`."""
        self.motion = 0.0
        """How much the dance shown moves, 0..1; 0.5 is the footage's mean."""
        self._bundle = bundle
        self._rate = bundle.metadata.steps_a_second
        self._ease_steps = max(1, round(EASE * self._rate))
        self._noise = Noise(seeds, size)
        self._seed = int(seeds[0])
        self._inputs: dict[str, float] = {}
        self._unison = 0.0
        self._lingering = FADE  # seconds for which those who are to go still dance
        self._squads: list[Squad] = []
        self._step = 0
        self._phase = 1.0
        self._latest = np.zeros((MOST_DANCERS, size), np.float32)
        # Leading: by what, how many of its latents have been given, and the latent to cross over from.
        self._led_by = np.full(MOST_DANCERS, FREE, np.int64)
        self._given = np.zeros(MOST_DANCERS, np.int64)
        self._origin = np.zeros((MOST_DANCERS, size), np.float32)
        self._crossed = np.zeros(MOST_DANCERS, np.int64)  # the step at which the last crossing was over
        self._canon = Canon(size, self._rate)
        self._energy = Energy(bundle.bank, self._rate)
        self._axes = Axes(bundle.bank)
        self._falls: list[Fall] = []
        # The session's memory grows to the most it will need, ahead of the show.
        most = [Squad(bundle, MOST) for _ in range(2)]
        bundle.together([partial(squad.step, {}) for squad in most])
        for squad in most:
            squad.close()
        self._warm_up(len(seeds))

    @property
    def dancers(self) -> int:
        """How many dance, those included that are leaving."""
        return len(self._noise.seeds)

    @property
    def position(self) -> float:
        """Where the dance is, in steps of dance time since the show began."""
        return self._step - 1 + self._phase

    @property
    def positions(self) -> NDArray[np.float64]:
        """Where each dancer's dance shown is, (dancers): behind `position` by its delay in the canon."""
        return self.position - self._canon.delays[: self.dancers]

    @property
    def easing(self) -> NDArray[np.bool_]:
        """Who is shown before the end of a crossing, (dancers): what led to it is known, and looks neither way."""
        return self.positions < self._crossed[: self.dancers]

    @property
    def entropy(self) -> float:
        """How undecided the company is about its next step: the mixture's entropy, 0..1."""
        return entropy(np.concatenate([squad.pi for squad in self._squads]))

    def advance(self, dt: float, values: Mapping[str, float]) -> NDArray[np.float32]:
        """Dances on for `dt` seconds of show time; returns the latents to show, (dancers, latent_size), to keep."""
        self._read(values)
        self._change_company(dt, round(values["dance/dancers"]))
        rate = values["dance/speed"] * (1 - values["dance/frozen"]) * self._rate  # steps a second of show time
        self._phase += dt * rate
        nearest = round(self._phase)
        if abs(self._phase - nearest) < AT_THE_STEP:
            self._phase = float(nearest)
        self.steps = []
        while self._phase > 1:
            self._take_step()
            self._phase -= 1
        self._canon.advance(dt * rate, values["dance/canon"] * 60 / values["tempo/bpm"] * rate)
        shown = self._canon.show(self.dancers, 1 - self._phase)
        self.motion = self._energy.advance(dt, shown)
        return self._axes.push(shown, values)

    def ease_back(self, dancer: int, reason: str) -> None:
        """Leads a dancer that fell back into real dance: from where it is, over `EASE` seconds, into a passage."""
        self._falls.append(Fall(self._step, dancer, reason, self._lead_back(dancer)))

    def reset(self) -> None:
        """Leads every dancer into a passage, as after a fall; those who follow the leader go on following."""
        for dancer in range(self.dancers):
            if self._led_by[dancer] != LEADER:
                self._lead_back(dancer)

    def take_falls(self) -> list[Fall]:
        """The falls since this was last called."""
        falls, self._falls = self._falls, []
        return falls

    def state(self) -> dict[str, NDArray]:
        """All that the dance carries on from, as copies: name -> array, fit for `numpy.savez`."""
        carried = {
            each.name_in.removesuffix("_in"): np.concatenate([squad.state[index] for squad in self._squads], each.axis)
            for index, each in enumerate(self._bundle.state)
        }
        place = {"step": np.int64(self._step), "phase": np.float64(self._phase), "seed": np.int64(self._seed)}
        place |= {"unison": np.float64(self._unison), "lingering": np.float64(self._lingering)}
        rows = {name: getattr(self, f"_{name}")[: self.dancers] for name in ROWS}
        seeds = {"seeds": np.array(self._noise.seeds, np.int64)}
        everything = carried | place | rows | seeds | self._canon.state(self.dancers)
        return {name: np.array(value) for name, value in everything.items()}

    def restore(self, state: Mapping[str, NDArray]) -> None:
        """Takes the dance up where `state()` was called, bit for bit. Raises ValueError for another company's state,
        or one that cannot have been danced, before anything has changed.
        """
        self._check(state)
        for index, each in enumerate(self._bundle.state):
            whole = np.moveaxis(state[each.name_in.removesuffix("_in")], each.axis, 0)
            for rows, squad in self._rows():
                np.moveaxis(squad.state[index], each.axis, 0)[...] = whole[rows]
        self._step, self._phase, self._seed = int(state["step"]), float(state["phase"]), int(state["seed"])
        self._unison, self._lingering = float(state["unison"]), float(state["lingering"])
        for name in ROWS:
            getattr(self, f"_{name}")[: self.dancers] = state[name]
        self._canon.restore(state["delays"], state["newest"], state["history"])
        self._noise = Noise([int(seed) for seed in state["seeds"]], self._bundle.metadata.latent_size)
        self._falls = []

    def _check(self, state: Mapping[str, NDArray]) -> None:
        for name, value in self.state().items():
            found = state[name].shape if name in state else "missing"
            if name == "history" and name in state:
                found = value.shape[:1] + state[name].shape[1:]  # it is as long as the delays were
            if found != value.shape:
                raise ValueError(f"state of the dance: {name} is {found}; it must be {value.shape}")
            if state[name].dtype.kind != value.dtype.kind:
                raise ValueError(f"state of the dance: {name} is of {state[name].dtype}; it must be {value.dtype}")
        led_by, given, seeds = state["led_by"], state["given"], state["seeds"]
        if not (
            state["step"] >= 0
            and 0 <= state["phase"] <= 1
            and state["lingering"] <= FADE
            and 0 <= state["unison"] <= 1
            and ((led_by >= LEADER) & (led_by < len(self._bundle.bank)) & (given >= 0)).all()
            and (given <= np.where(led_by == LEADER, self._ease_steps, self._bundle.bank.shape[1])).all()
            and ((seeds >= 0) & (seeds < 2**32)).all()
        ):
            raise ValueError("state of the dance: it cannot have been danced")
        self._canon.check(state["delays"], state["newest"], state["history"])

    def _read(self, values: Mapping[str, float]) -> None:
        temperature = values["dance/temperature"]
        self._inputs["pi_temperature"] = temperature * values["dance/pi_temperature"]
        self._inputs["sigma_temperature"] = min(temperature, WIDEST) * values["dance/sigma_temperature"]
        for each in self._bundle.metadata.controls:
            self._inputs[each.name] = min(max(values.get(each.key, each.default), each.low), each.high)
        self._unison = values["dance/unison"]
        seed = int(values["dance/seed"])
        if seed != self._seed:
            self._seed = seed
            self._noise = Noise([seed] * self.dancers, self._bundle.metadata.latent_size)

    def _change_company(self, dt: float, wanted: int) -> None:
        """Has dancers join at once and others go once the stage has faded them out."""
        before = self.dancers
        self._lingering = FADE if wanted >= before else self._lingering - dt
        if wanted == before or (wanted < before and self._lingering > 0):
            return
        seeds = [*self._noise.seeds[:wanted], *[self._seed] * (wanted - before)]
        self._noise = Noise(seeds, self._bundle.metadata.latent_size)
        self._squads = company(self._squads, wanted, self._bundle)
        for dancer in range(before, wanted):
            self._join(dancer)

    def _join(self, dancer: int) -> None:
        self._led_by[dancer] = FREE
        if self._goes_with_the_leader()[dancer]:
            self._led_by[dancer], self._given[dancer] = LEADER, self._ease_steps
            self._follow(dancer)
        else:
            self._latest[dancer] = self._bundle.bank[self._lead_back(dancer), 0]
            self._origin[dancer] = self._latest[dancer]
        self._crossed[dancer] = self._step
        self._canon.begin(dancer, self._latest[dancer])

    def _take_step(self) -> None:
        dancers = self.dancers
        follows = self._goes_with_the_leader()
        for dancer in np.flatnonzero(follows & (self._led_by[:dancers] == FREE)):
            self._led_by[dancer], self._given[dancer] = LEADER, 0
            self._origin[dancer] = self._latest[dancer]
            self._crossed[dancer] = self._step + self._ease_steps
        there = (self._led_by[:dancers] == LEADER) & (self._given[:dancers] == self._ease_steps)
        self._led_by[:dancers][there & ~follows] = FREE

        uniform, normal = self._noise.draw(self._step, self._unison)
        tasks: list[Callable[[], None]] = []
        for rows, squad in self._rows():
            if (self._led_by[rows] != LEADER).any():
                inputs = self._inputs | {"uniform": uniform[rows], "normal": normal[rows]}
                tasks.append(partial(squad.step, inputs))
        self._bundle.together(tasks)
        for rows, squad in self._rows():
            self._axes.hold(squad.latent)
            self._latest[rows] = squad.latent
        self._step += 1
        shown = self._canon.newest(dancers)
        for dancer in np.flatnonzero(self._led_by[:dancers] >= 0):
            self._lead(int(dancer))
        for dancer in np.flatnonzero(~np.isfinite(self._latest[:dancers]).all(axis=1)):
            self._latest[dancer] = shown[dancer]
            if self._led_by[dancer] != LEADER:
                self.ease_back(int(dancer), "latents that are not numbers")
        for dancer in np.flatnonzero(self._led_by[:dancers] == LEADER):
            self._follow(int(dancer))
        self._canon.push(self._latest[:dancers])
        self.steps.append(self._latest[:dancers].copy())

    def _lead(self, dancer: int) -> None:
        """Puts the passage's next latent in the place of the one the model drew; sets the dancer free at its end."""
        passage, given = self._bundle.bank[self._led_by[dancer]], int(self._given[dancer])
        if given == len(passage):
            self._led_by[dancer] = FREE
            return
        self._latent(dancer)[:] = passage[given]
        self._given[dancer] = given + 1
        self._latest[dancer] = self._across(dancer, given, passage[given])

    def _follow(self, dancer: int) -> None:
        """Puts the leader's state in the place of the dancer's own."""
        squad, row = self._place(dancer)
        for own, leaders in zip(squad.rows(row), self._squads[0].rows(0), strict=True):
            own[...] = leaders
        squad.pi[row] = self._squads[0].pi[0]
        self._given[dancer] = min(self._given[dancer] + 1, self._ease_steps)
        self._crossed[dancer] = max(self._crossed[dancer], self._crossed[0])
        self._latest[dancer] = self._across(dancer, int(self._given[dancer]), self._latest[0])

    def _across(self, dancer: int, given: int, latent: NDArray[np.float32]) -> NDArray[np.float32]:
        """The way over from the dancer's origin to `latent`, of which `given` steps are done."""
        if given >= self._ease_steps:
            return latent
        share = given / self._ease_steps
        share = share * share * (3 - 2 * share)
        origin = self._origin[dancer]
        return origin + np.float32(share) * (latent - origin)

    def _lead_back(self, dancer: int) -> int:
        """Begins to lead the dancer through a passage; returns which.

        The model's state starts anew and is fed the passage as it is shown, so that the dancer goes on by itself where
        the passage ends.
        """
        passage = self._noise.choice(dancer, self._step, len(self._bundle.bank))
        squad, row = self._place(dancer)
        for tensor in squad.rows(row):
            tensor[...] = 0
        self._latent(dancer)[:] = self._bundle.bank[passage, 0]
        self._led_by[dancer], self._given[dancer] = passage, 1
        self._origin[dancer] = self._latest[dancer]
        self._crossed[dancer] = self._step + self._ease_steps - 1
        if dancer == 0:
            # Those who follow cross over with the leader.
            following = self._led_by[: self.dancers] == LEADER
            self._crossed[: self.dancers][following] = self._crossed[0]
        return passage

    def _goes_with_the_leader(self) -> NDArray[np.bool_]:
        """Who is to follow the leader in this step, (dancers): a share of them that is `dance/unison`."""
        if self._unison in (0.0, 1.0):
            follows = np.full(self.dancers, self._unison == 1)
        else:
            phrase = PHRASE * self._rate
            phrases = (self._step + np.arange(self.dancers) * STAGGER * phrase) // phrase
            follows = self._noise.groups(phrases.astype(np.int64)) < self._unison
        follows[0] = False
        return follows

    def _rows(self) -> Iterator[tuple[slice, Squad]]:
        """The squads, each with its dancers' places in the company."""
        first = 0
        for squad in self._squads:
            yield slice(first, first + squad.dancers), squad
            first += squad.dancers

    def _place(self, dancer: int) -> tuple[Squad, int]:
        """The dancer's squad and its row there."""
        if dancer == 0:
            return self._squads[0], 0
        return self._squads[1 + (dancer - 1) // MOST], (dancer - 1) % MOST

    def _latent(self, dancer: int) -> NDArray[np.float32]:
        squad, row = self._place(dancer)
        return squad.latent[row]

    def _warm_up(self, dancers: int) -> None:
        """Leads every dancer through a passage of its seed's choice, so that the state is that of a dance."""
        bank = self._bundle.bank
        self._squads = company([], dancers, self._bundle)
        passages = bank[[self._noise.choice(dancer, 0, len(bank)) for dancer in range(dancers)]]
        for given in range(passages.shape[1]):
            for rows, squad in self._rows():
                if given:
                    squad.step({})
                squad.latent[:] = passages[rows, given]
        for dancer in range(dancers):
            self._latest[dancer] = passages[dancer, -1]
            self._canon.begin(dancer, passages[dancer, -1])
