"""``noisylabel curriculum learn | records | imitate | plot | list``."""

import argparse
import json
from pathlib import Path
from typing import Any

import torch

from noisylabel._support.progress import stop_if_interrupted
from noisylabel.commands._curriculum_imitate import add_imitate_command
from noisylabel.commands._curriculum_learn import add_learn_command
from noisylabel.commands._curriculum_records import add_records_command
from noisylabel.commands._curriculum_training import (
    add_data_options,
    add_recording_options,
    add_training_options,
    classifier_of,
    recorder_of,
    rows_of,
    trusted_for,
)
from noisylabel.commands._options import above_zero, add_command, percents, place, print_written
from noisylabel.curricula import list_zoo, resolve_curriculum
from noisylabel.mentors import NAMED

_SEEN_IN_TRAINING = ("auto", "data_driven", *NAMED)  # curricula that are no formula


def add_curriculum_command(commands: Any) -> None:
    """Add ``curriculum`` and what stands under it to the ``noisylabel`` command."""
    about = "Learn, record, plot and list curricula (MentorNets)."
    curriculum = commands.add_parser("curriculum", help=about, description=about)
    nested = curriculum.add_subparsers(title="commands", required=True, metavar="COMMAND")
    add_learn_command(nested)
    add_records_command(nested)
    add_imitate_command(nested)
    _add_plot(nested)
    listing = add_command(nested, "list", "List the MentorNets that come with the package.", _list)
    listing.add_argument("--cards", action="store_true", help="print the whole cards")


def _add_plot(nested: Any) -> None:
    about = (
        "Draw a curriculum as a sheet of panels (PNG), an animation (GIF) and a page with a slider (HTML). One that is "
        "no formula, such as active_bias, is drawn as it weighs while a student trains (PNG)."
    )
    plot = add_command(nested, "plot", about, _plot)
    plot.add_argument("curriculum", help="a safetensors file, zoo:NAME, or a curriculum's name")
    plot.add_argument(
        "--percents",
        type=percents,
        metavar="P,P,...",
        help="percents of training to draw (0,10,18,19,30,50,75,89,90,99)",
    )
    plot.add_argument("--loss-bound", type=above_zero, default=5.0, help="largest loss")
    plot.add_argument("--vstar", metavar="NAME", help="closed form beside it (the one that it was learned from)")
    plot.add_argument("--out", type=place, help="start of the files' names (the name of the curriculum)")
    seen = plot.add_argument_group("of a curriculum that is no formula: the training that is drawn")
    add_data_options(seen, dataset="digits", trusted=100)
    add_recording_options(seen)
    add_training_options(seen)


def _plot(options: argparse.Namespace) -> None:
    if options.curriculum in _SEEN_IN_TRAINING:
        _plot_training(options)
        return
    from noisylabel.plots import (
        animate_curriculum,
        learned_from,
        plot_curriculum,
        save_curriculum_figure,
        write_curriculum_page,
    )

    curriculum = resolve_curriculum(options.curriculum)
    vstar = options.vstar or learned_from(curriculum)
    shown = {"vstar": vstar, "loss_bound": options.loss_bound}
    chosen = {} if options.percents is None else {"percents": options.percents}
    start = options.out or Path(Path(options.curriculum.removeprefix("zoo:")).stem)
    figure = plot_curriculum(curriculum, **chosen, **shown)
    print_written(
        [
            save_curriculum_figure(figure, start.with_name(start.name + ".png")),
            animate_curriculum(curriculum, start.with_name(start.name + ".gif"), **shown),
            write_curriculum_page(curriculum, start.with_name(start.name + ".html"), **shown),
        ]
    )


def _plot_training(options: argparse.Namespace) -> None:
    """Train under a curriculum that is no formula, and draw the weights that it gave."""
    from noisylabel.plots import plot_recorded_weights, save_curriculum_figure

    rows = rows_of(options, is_trusted_needed=False)
    recorder, clf = recorder_of(options), classifier_of(options, options.curriculum)
    given = trusted_for(clf, rows)
    stop_if_interrupted(clf.set_params(callbacks=[recorder]).fit(rows.X, rows.y, **given))
    is_right = None
    if isinstance(rows.y_trusted, tuple):  # a data set of ours, whose right labels are all known
        is_right = torch.as_tensor(rows.y_trusted[1] == rows.y)[recorder.rows_]
    bounds = {} if options.percents is None else {"stretches": options.percents}
    figure = plot_recorded_weights(recorder.features_, recorder.weights_, is_right=is_right, **bounds)
    start = options.out or Path(options.curriculum)
    print_written([save_curriculum_figure(figure, start.with_name(start.name + ".png"))])


def _list(options: argparse.Namespace) -> None:
    cards = list_zoo()
    if options.cards:
        print(json.dumps(cards, indent=2))
        return
    for name, card in cards.items():
        learned, fit = card["learned_from"], card["fit"]
        source = f"closed form {learned['vstar']}" if "vstar" in learned else ", ".join(learned["records"])
        print(f"{name:<22} from {source}")
        print(" " * 23 + ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in fit.items()))
    print('\nUse one as curriculum="zoo:NAME"; mentornet_dd also by that name alone.')
