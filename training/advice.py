"""What to do about a dancer that does not come out well, in words, from its loss curves and from how it moves."""

from collections.abc import Collection, Mapping, Sequence

Row = Mapping[str, float]
# Of each stage, the loss that is trained and the same on held-out clips.
LOSSES = {
    "vae": ("VAE", "reconstruction", "held_out_reconstruction"),
    "mdn_rnn": ("LSTM-MDN", "loss", "held_out_loss"),
    "decoder": ("decoder", "reconstruction", "held_out_reconstruction"),
}
RISING = 3  # evaluations since the best one: one or two are chance, as the losses go up and down
# What a dance is judged by: shares of its time, and ratios to the footage's own.
FREEZE, JITTER, BLUR, DIVERSITY = 0.06, 0.06, 3.5, 0.6


def advise(
    histories: Mapping[str, Sequence[Row]], done: Collection[str], motion: Mapping[str, tuple[float, float]]
) -> list[str]:
    """Lines of advice; none where nothing is wrong.

    histories: evaluations by stage, as checkpoints hold them; done: stages that have ended; motion: what
    `training.motion.figures` gives of a dance, or nothing while there is none.
    """
    said = []
    for stage, rows in histories.items():
        name, trained, held_out = LOSSES[stage]
        if overfits(rows, trained, held_out):
            kept = "the best weights so far are kept; " if stage == "mdn_rnn" else ""
            said.append(
                f"{name}: learns the footage by heart: its held-out loss rises while its training loss falls. {kept}"
                "More footage helps, or a shorter run (--minutes)."
            )
        elif stage == "mdn_rnn" and stage in done and still_falls(rows, held_out):
            said.append(
                f"{name}: its time was too short: its held-out loss was lowest when it ended. A longer run (--minutes) "
                "dances better."
            )
    return [*said, *(advise_motion(motion, "decoder" in done) if motion else [])]


def overfits(rows: Sequence[Row], trained: str, held_out: str) -> bool:
    """Whether the held-out loss has not been lower for RISING evaluations, while the trained one went on falling."""
    rows = [row for row in rows if trained in row and held_out in row]
    if len(rows) <= RISING:
        return False
    best = min(range(len(rows)), key=lambda i: rows[i][held_out])
    since = rows[best + 1 :]
    return len(since) >= RISING and since[-1][trained] < rows[best][trained]


def still_falls(rows: Sequence[Row], held_out: str) -> bool:
    """Whether the last evaluation was the best of several."""
    values = [row[held_out] for row in rows if held_out in row]
    return len(values) > RISING and values[-1] == min(values) < values[0]


def advise_motion(motion: Mapping[str, tuple[float, float]], shown: bool) -> list[str]:
    """shown: the decoder has learnt to show the dance, so that its outlines are what they will be."""
    said = []
    freeze, jitter = motion["freeze"][0], motion["jitter"][0]
    diversity, blur = (motion[name][0] / max(motion[name][1], 1e-9) for name in ("diversity", "blur"))
    if freeze > FREEZE:
        said.append(
            f"It freezes {freeze:.0%} of the time: a higher temperature wakes it (up key, or --temperature 1.1), and "
            "footage without long rests; early in a run this goes away by itself."
        )
    if jitter > JITTER:
        said.append(f"It jitters {jitter:.0%} of the time: --sigma-temperature 0.8 calms it, and a longer run.")
    if diversity < DIVERSITY:
        said.append(
            f"It repeats itself: its dance is {diversity:.1f} times as diverse as the footage. A higher temperature, "
            "a longer run, and more footage help."
        )
    if shown and blur > BLUR:
        said.append(
            f"Its outlines are {blur:.1f} times as soft as the footage's: a longer run sharpens them, and so does "
            "--refine afterwards."
        )
    return said
