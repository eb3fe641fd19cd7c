"""``noisylabel audit apply``: a file with the labels that a person decided on."""

import argparse
from typing import Any

from noisylabel.commands._options import add_command, place, print_written
from noisylabel.exceptions import InvalidParameterError


def add_audit_apply_command(commands: Any) -> None:
    """Add ``audit apply`` to the ``noisylabel`` command."""
    about = "Write a corrected file, by the decisions that the page of an audit has saved. What it is made from stays."
    apply = add_command(commands, "audit apply", about, _apply)
    apply.add_argument("source", metavar="FILE", type=place, help="the file of issues, or the audited table itself")
    apply.add_argument("decisions", metavar="DECISIONS", type=place, help="what the page has saved, as CSV or JSON")
    apply.add_argument("--out", metavar="FILE", type=place, required=True, help="the corrected file")
    apply.add_argument(
        "--label",
        metavar="COLUMN",
        help="the column of labels (in a file of issues the one that has the given labels)",
    )
    apply.add_argument("--overwrite", action="store_true", help="replace the corrected file if there is one")


def _apply(options: argparse.Namespace) -> None:
    from noisylabel.audit import apply_decisions

    if options.out.exists() and not options.overwrite:
        raise InvalidParameterError(f"--out is {options.out}, which is there. Give another name, or --overwrite.")
    done = apply_decisions(options.source, options.decisions, options.out, label=options.label)
    print_written([options.out])
    print(f"{done['n_changed']} labels of {done['label']!r} changed; 'changed_from' has the former ones.")
    if done["absent"]:
        first = ", ".join(map(str, done["absent"][:8])) + (", ..." if len(done["absent"]) > 8 else "")
        print(
            f"Note: {options.source} lacks {len(done['absent'])} of the audited rows ({first}), as those without a "
            f"label, and so does {options.out}. Give the audited table instead of the file of issues to keep them."
        )
