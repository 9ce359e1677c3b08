"""Squads: the same steps as the session's own, in companies that grow and shrink; those who stay go on."""

from pathlib import Path

import numpy as np
import pytest

from engine.bundle import Bundle, open_bundle
from engine.squad import MOST, Squad, company
from tests.fixtures.tiny_bundle import COMPONENTS, LATENT


@pytest.fixture(scope="module")
def bundle(tiny_bundle: Path) -> Bundle:
    return open_bundle(tiny_bundle, "cpu")


@pytest.mark.parametrize(
    ("dancers", "sizes"), [(1, [1]), (2, [1, 1]), (17, [1, 16]), (18, [1, 16, 1]), (64, [1, 16, 16, 16, 15])]
)
def test_a_company_is_a_leader_alone_and_squads_behind(bundle: Bundle, dancers: int, sizes: list[int]) -> None:
    assert [squad.dancers for squad in company([], dancers, bundle)] == sizes


def test_a_squads_step_is_the_sessions(bundle: Bundle) -> None:
    squad = Squad(bundle, 3)
    random = np.random.default_rng(0)
    state = {each.name_in: np.zeros(each.shape_for(3), np.float32) for each in bundle.state}
    for _ in range(5):
        noise = {"uniform": random.random(3, np.float32), "normal": random.standard_normal((3, LATENT), np.float32)}
        squad.step(noise | {"pi_temperature": 0.5, "sigma_temperature": 2.0})
        feeds = noise | {"pi_temperature": np.full(3, 0.5, "f"), "sigma_temperature": np.full(3, 2.0, "f")}
        *outputs, pi = bundle.step.run([*(each.name_out for each in bundle.state), "pi"], state | feeds)
        state = {each.name_in: output for each, output in zip(bundle.state, outputs, strict=True)}
        assert squad.latent.tobytes() == state["latent_in"].tobytes()
        assert squad.pi.tobytes() == pi.tobytes()
    assert squad.pi.shape == (3, COMPONENTS)


def test_a_dancers_rows_are_its_share_of_every_tensor(bundle: Bundle) -> None:
    squad = Squad(bundle, 3)
    squad.step({})
    for each, tensor, row in zip(bundle.state, squad.state, squad.rows(1), strict=True):
        assert (row == tensor.take(1, each.axis)).all()
        row[...] = 5
        assert (tensor.take(1, each.axis) == 5).all()


def test_those_who_stay_go_on_in_a_company_of_another_size(bundle: Bundle) -> None:
    squads = company([], 20, bundle)
    for squad in squads:
        squad.step({"uniform": np.linspace(0, 0.9, squad.dancers, dtype=np.float32)})
    before = np.concatenate([squad.latent for squad in squads])
    larger = company(squads, 40, bundle)
    assert (np.concatenate([squad.latent for squad in larger])[:20] == before).all()
    assert (np.concatenate([squad.latent for squad in larger])[20:] == 0).all()
    smaller = company(larger, 7, bundle)
    assert (np.concatenate([squad.latent for squad in smaller]) == before[:7]).all()
    # A squad that keeps its size is the same one.
    assert larger[0] is squads[0] and larger[1] is squads[1]
    assert larger[1].dancers == MOST
