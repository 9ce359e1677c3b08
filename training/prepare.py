"""What comes before a run: its trial, its plan, and what it begins with, the same for all its processes."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from training.arguments import AUTO
from training.clips import STEPS_A_SECOND, Clip, image_kind
from training.mdn_rnn import MDNRNNConfig
from training.plan import Plan, choose_start, load_plan, make_plan, parts
from training.runs import PLAN
from training.stages import Stages
from training.start import read_start
from training.trial import Pace, measure
from training.vae import VAEConfig


def prepare(
    stages: Stages,
    vae_config: VAEConfig,
    mdn_rnn_config: MDNRNNConfig,
    clips: list[Clip],
    shipped: Path,
    say: Callable[[str], None],
) -> tuple[Stages, Plan]:
    """The stages with what they begin with, and the plan, said; a run that is resumed goes on by the one it had.

    clips: the whole footage; shipped: the default dancer's bundle.
    """
    processes, path = stages.place.processes, stages.runs / PLAN
    plan = processes.of_first(lambda: load_plan(path))
    if plan is None:
        pace = measure(stages, vae_config, mdn_rnn_config)

        def made() -> Plan:
            start, why = choose(stages, (vae_config, mdn_rnn_config), pace, clips, shipped)
            found = make_plan(stages, pace, clips, start, why)
            found.save(path)
            return found

        plan = processes.of_first(made)
        if processes.first:
            for line in [*plan.lines, *(f"but {warning}" for warning in plan.warnings)]:
                say(f"plan: {line}")
    if plan.start and stages.start is None:
        start = read_start(shipped if plan.start == AUTO else Path(plan.start))
        stages = replace(stages, start=start.with_styles(mdn_rnn_config.styles))
    return stages, plan


def choose(
    stages: Stages, configs: tuple[VAEConfig, MDNRNNConfig], pace: Pace, clips: list[Clip], shipped: Path
) -> tuple[str, str]:
    """The bundle that the run begins with, AUTO for the default dancer's and "" for none, and why."""
    options = stages.options
    if stages.refines:
        return str(options.refine), f"refines {options.refine}"
    if options.start != AUTO:
        return (str(options.start), f"fine-tunes {options.start}") if stages.start else ("", "a new dancer")
    default = read_start(shipped)
    minutes = sum(map(len, clips)) / STEPS_A_SECOND / 60
    images = next(part.images for part in parts(stages, pace) if part.name == "vae")
    same = (default.vae, replace(default.mdn_rnn, styles=configs[1].styles)) == configs
    fine, why = choose_start(default, image_kind(clips), same, minutes, images)
    return AUTO if fine else "", why
