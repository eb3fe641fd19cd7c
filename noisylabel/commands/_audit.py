"""``noisylabel audit``: which labels of a file are probably wrong."""

import argparse
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noisylabel._support.notes import as_note, take_notes
from noisylabel.commands._options import add_command, place, print_written, whole
from noisylabel.exceptions import DatasetNotFoundError, InvalidParameterError

if TYPE_CHECKING:
    from noisylabel.audit import Audit, AuditData, Embeddings, Recorded
    from noisylabel.preprocessing import TableEncoder


_KINDS = {"number": "numbers", "category": "categories", "text": "texts", "date": "dates"}
_SPOKEN = {
    "max_epochs": "--epochs",
    "random_state": "--seed",
    "kinds": "--number, --category, --text or --date",
    "path": "--out",
}


def add_audit_command(commands: Any) -> None:
    """Add ``audit`` to the ``noisylabel`` command."""
    about = "Find the rows or images whose labels are probably wrong: train on them as they are, then rank them."
    audit = add_command(commands, "audit", about, _audit)
    audit.add_argument(
        "source",
        metavar="FILE",
        type=place,
        help="a table (.csv, .tsv, .parquet, .xlsx, .jsonl, each also .gz; - for standard input), or a folder with a "
        "sub-folder of images, or of text files, for each class",
    )
    about = "with a table: the column of labels, or one for each annotator"
    audit.add_argument("--label", metavar="COLUMN", nargs="+", default=[], help=about)
    about = "take labels that differ only in case or spaces for one"
    audit.add_argument("--group-labels", action="store_true", help=about)
    audit.add_argument("--ignore", metavar="COLUMN", nargs="+", default=[], help="columns not to learn from")
    for kind in _KINDS:
        audit.add_argument(
            f"--{kind}", metavar="COLUMN", nargs="+", default=[], help=f"columns to read as {_KINDS[kind]}"
        )
    audit.add_argument("--text-model", metavar="FOLDER", type=place, help="a sentence-transformers model for texts")
    about = "learn from these numbers, an array a row of the table, instead of its columns"
    audit.add_argument("--embeddings", metavar="FILE.npy", type=place, help=about)
    audit.add_argument(
        "--images", metavar="COLUMN", help="column of image files, as paths from the table's folder, to learn from"
    )
    audit.add_argument("--size", type=whole, default=32, help="images are resized to this many pixels")
    audit.add_argument("--out", type=place, default="issues.csv", help="all rows, the most doubtful first")
    audit.add_argument(
        "--format",
        metavar="NAME",
        help="of --out: csv, parquet, cleanlab, labelstudio, fiftyone or huggingface (as the name of the file says)",
    )
    audit.add_argument("--overwrite", action="store_true", help="replace files that are there already")
    audit.add_argument("--report", metavar="FILE.html", type=place, help="a page to look at them in a browser (none)")
    audit.add_argument(
        "--decisions",
        metavar="FILE",
        type=place,
        help="what the page of an earlier audit has saved, to learn from (none)",
    )
    audit.add_argument("--epochs", type=whole, help="passes over the rows (12 to 50, by held-out rows)")
    audit.add_argument(
        "--precision",
        type=float,
        help="flag as many rows as keep so many of them wrong, such as 0.9 (as many as are wrong)",
    )
    audit.spoken.update(_SPOKEN)
    audit.add_argument("--device", default="cpu", help="where to train")
    audit.add_argument("--seed", type=int, default=0, help="of everything that is drawn")


def _audit(options: argparse.Namespace) -> None:
    from noisylabel.audit import check_format, save_label_issues, write_audit_page

    _check_outputs(options)
    check_format(options.out, options.format, "images" if options.images or options.source.is_dir() else "table")
    with take_notes() as notes:
        data = _read(options)
        _print_data(data)
        audit, recorded = _judged(data, options)
    audit.cautions.extend(notes)
    written = [save_label_issues(audit, options.out, options.format)]
    if options.report is not None:
        written.append(write_audit_page(audit, options.report, recorded))
    _print_audit(audit)
    _print_next(audit, written)


def _judged(data: "AuditData", options: argparse.Namespace) -> "tuple[Audit, Recorded | None]":
    """Train and judge, knowing the labels that were decided on; a page shows what was recorded."""
    from noisylabel.audit import (
        Recorded,
        audit_labels,
        decisions_on,
        paths_to_record,
        with_decisions,
    )

    decisions = None if options.decisions is None else decisions_on(data, options.decisions)
    clf = _auditor(data, options)
    paths = paths_to_record(len(data.X), len(set(data.noisy_y.tolist())), clf.max_epochs)
    if options.report is not None:
        clf.set_params(callbacks=[paths])
    audit = audit_labels(data, clf, options.precision, None if decisions is None else decisions.y_trusted)
    if decisions is not None:
        audit = with_decisions(audit, decisions)
    return audit, None if options.report is None else Recorded(paths, [str(label) for label in clf.classes_.tolist()])


def _auditor(data: "AuditData", options: argparse.Namespace) -> Any:
    """Return the classifier to train."""
    from noisylabel.audit import choose_epochs, default_auditor, quick_precision, times_as_long

    clf = default_auditor(data.kind, len(data.X)).set_params(device=options.device, random_state=options.seed)
    if data.kind == "images":
        clf.set_params(precision=quick_precision(options.device))
    if options.epochs is not None:
        return clf.set_params(max_epochs=options.epochs)
    began = time.perf_counter()
    n_epochs = choose_epochs(data, clf)
    if data.kind == "images":
        seconds = times_as_long(data, n_epochs) * (time.perf_counter() - began)
        print(f"Training for {n_epochs} epochs, which takes about {seconds:.0f} s.", flush=True)
    return clf.set_params(max_epochs=n_epochs)


def _check_outputs(options: argparse.Namespace) -> None:
    """Refuse to write over what is read, both files to one place, or where nothing can be written."""
    for name, path in (("--out", options.out), ("--report", options.report)):
        if path is not None and path.resolve() == options.source.resolve():
            raise InvalidParameterError(f"{name} is {path}, which is the file to audit. Give another name.")
        if path is not None and options.decisions is not None and path.resolve() == options.decisions.resolve():
            raise InvalidParameterError(f"{name} is {path}, which is the file of decisions. Give another name.")
        if path is not None:
            _check_writable(name, path, options.overwrite)
    if options.report is not None and options.report.resolve() == options.out.resolve():
        raise InvalidParameterError(f"--out and --report are both {options.out}. Give them different names.")


def _check_writable(name: str, path: Path, overwrite: bool) -> None:
    """Try to write where a file will be, or in the nearest folder above that is there, and leave nothing."""
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "a device"
        raise InvalidParameterError(f"{name} is {path}, which is {what}. Give the name of a file.")
    if path.exists() and not overwrite:
        raise InvalidParameterError(f"{name} is {path}, which is there already. Give another name, or --overwrite.")
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise InvalidParameterError(
            f"{name} is {path}, but nothing can be written in {folder}: {error.strerror}. Give another place."
        ) from error


def _read(options: argparse.Namespace) -> "AuditData":
    from noisylabel.audit import read_audit_folder, read_audit_table
    from noisylabel.preprocessing import TableEncoder

    if not options.source.exists() and str(options.source) != "-":
        raise DatasetNotFoundError(
            f"{options.source} does not exist. Give a .csv, .tsv, .parquet, .xlsx or .jsonl table, or a folder."
        )
    if options.source.is_dir():
        given = [f"--{name}" for name in ("label", "ignore", "images", "embeddings", *_KINDS) if getattr(options, name)]
        if given:
            raise InvalidParameterError(
                f"{given[0]} names a column of a table, and {options.source} is a folder, whose sub-folders are the "
                "labels. Leave it out, or give the table that lists the images."
            )
        return read_audit_folder(options.source, size=options.size, encoder=TableEncoder(text_model=options.text_model))
    if not options.label:
        raise InvalidParameterError(f"{options.source} is a table: say with --label which column holds the labels.")
    return read_audit_table(
        options.source,
        label=options.label,
        ignore=options.ignore,
        encoder=_encoder(options),
        images=options.images,
        size=options.size,
        group_labels=options.group_labels,
    )


def _encoder(options: argparse.Namespace) -> "TableEncoder | Embeddings":
    """Return what makes numbers of columns, told what the options say of them."""
    from noisylabel.audit import Embeddings
    from noisylabel.preprocessing import TableEncoder

    if options.embeddings is not None:
        others = [name for name in ("ignore", "images", "text_model", *_KINDS) if getattr(options, name)]
        if others:
            raise InvalidParameterError(
                f"--embeddings are learned from instead of columns, so leave --{others[0].replace('_', '-')} out."
            )
        return Embeddings(options.embeddings)
    kinds: dict[str, str] = {}
    for kind in _KINDS:
        for column in getattr(options, kind):
            other = kinds.get(column, kind)
            if column in options.ignore or other != kind:
                other = "ignore" if column in options.ignore else other
                raise InvalidParameterError(f"--{kind} and --{other} both name the column {column!r}. Name it once.")
            kinds[column] = kind
    return TableEncoder(kinds, text_model=options.text_model)


def _print_data(data: "AuditData") -> None:
    labels = sorted(set(data.noisy_y.tolist()))
    some = ", ".join(map(str, labels[:8])) + (", ..." if len(labels) > 8 else "")
    noun = "rows" if data.kind == "table" else "images"
    print(f"{data.source}: {len(data.noisy_y)} {noun} with labels of {len(labels)} classes ({some}).")
    for note in data.notes:
        print(f"  {note}")


def _print_audit(audit: "Audit") -> None:
    print(f"\n{audit.headline}")
    if audit.n_flagged:
        expected = f"{audit.expected_wrong(audit.n_flagged):.0f} of them are expected to be wrong"
        print(f"Flagged as probably wrong: {audit.n_flagged} of {len(audit.issues)}; {expected}. The most doubtful:\n")
    else:
        print("Flagged: none. The least certain rows:\n")
    places = [name for name in ("file", "spreadsheet_row", "row") if name in audit.issues]
    shown = audit.issues[[places[0], "given_label", "suggested_label", "label_quality"]].head(5)
    print(shown.to_string(index=False, float_format=lambda value: f"{value:.3f}"))
    _print_pairs(audit)
    for caution in audit.cautions:
        print(f"\n{as_note(caution)}")


def _print_pairs(audit: "Audit") -> None:
    """Say which classes are taken for each other, and which rows are the same but for the label."""
    if audit.confused:
        pairs = ", ".join(f"{a} and {b} ({share:.0%})" for a, b, share in audit.confused[:3])
        print(f"\nOften taken for each other: {pairs}. Perhaps it is not clear where one ends.")
    if len(audit.duplicates):
        first = audit.duplicates.iloc[0]
        rows = audit.data.rows.iloc[[first["row_a"], first["row_b"]]]
        place = next(name for name in ("file", "spreadsheet_row", "row") if name in rows)
        where = f"{place.replace('_', ' ')} {rows[place].iloc[0]} and {rows[place].iloc[1]}"
        print(f"\nAlmost the same with different labels: {len(audit.duplicates)} pairs, such as {where}.")


def _print_next(audit: "Audit", written: list[Path]) -> None:
    print()
    print_written(written)
    if audit.n_flagged:
        print("Next: decide on the flagged rows, on the page of --report; 'noisylabel audit apply' corrects the file.")
    else:
        print("Next: nothing is flagged; the first rows are the least certain ones.")
