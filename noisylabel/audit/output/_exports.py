"""The rows of an audit in the forms that other programs import."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from noisylabel._support.files import write_whole, written_whole
from noisylabel.audit._training import Audit
from noisylabel.audit.output._tables import plain_columns, split_table

_JUDGED = (
    "suggested_label",
    "suggested_probability",
    "label_quality",
    "wrong_probability",
    "is_label_issue",
    "verdict",
)


def write_cleanlab(audit: Audit, path: Path) -> None:
    """Write the columns of cleanlab's ``CleanLearning.get_label_issues``, a line a row of the file in its order.

    Labels are codes there, as cleanlab has them: positions in the sorted classes.
    """
    issues = audit.issues.sort_index()
    classes = np.unique(audit.data.noisy_y)
    table = pd.DataFrame(
        {
            "is_label_issue": issues["is_label_issue"],
            "label_quality": issues["label_quality"].round(4),
            "given_label": np.searchsorted(classes, issues["given_label"]),
            "predicted_label": np.searchsorted(classes, issues["suggested_label"]),
        }
    )
    written_whole(path, lambda file: table.to_csv(file, index=False))


def write_label_studio(audit: Audit, path: Path) -> None:
    """Write tasks for Label Studio, the most doubtful first, whose predictions are the suggestions.

    The project has ``<Choices name="label" toName="item">``, and what it shows is called ``item``.
    """
    ours, own = split_table(audit)
    tasks = [_task(mine, its, audit) for mine, its in zip(_records(ours), _records(own), strict=True)]
    write_whole(path, json.dumps(tasks, ensure_ascii=False, indent=1).encode("utf-8", "replace"))


def _task(ours: dict[str, Any], own: dict[str, Any], audit: Audit) -> dict[str, Any]:
    """Return one task: its data, and what the audit suggests."""
    data = {**own, **{name: ours[name] for name in ours if ours[name] is not None}}
    if "file" in ours:
        data["image"] = str(ours["file"])
    sure = ours.get("suggested_probability")
    if sure is None:
        sure = 1 - ours["label_quality"] if ours["is_label_issue"] else ours["label_quality"]
    choice = {"choices": [str(ours["suggested_label"])]}
    result = {"from_name": "label", "to_name": "item", "type": "choices", "value": choice}
    return {"data": data, "predictions": [{"model_version": "noisylabel", "score": sure, "result": [result]}]}


def write_fiftyone(audit: Audit, path: Path) -> None:
    """Write the labels of a ``FiftyOneImageClassificationDataset``, by the names of images without their endings.

    FiftyOne reads them with ``data_path`` the folder of the images, and ``labels_path`` this file.
    """
    ours, _ = split_table(audit)
    ours = ours[ours["given_label"].notna()]
    labels = {
        Path(str(one["file"])).with_suffix("").as_posix(): {
            "label": str(one["given_label"]),
            "attributes": {name: one[name] for name in _JUDGED if one.get(name) is not None},
        }
        for one in _records(ours)
    }
    content = {"classes": [str(label) for label in np.unique(audit.data.noisy_y)], "labels": labels}
    write_whole(path, json.dumps(content, ensure_ascii=False, indent=1).encode())


def write_huggingface(audit: Audit, path: Path) -> None:
    """Write Parquet whose columns of labels are ``ClassLabel`` of Hugging Face's, -1 where there is none."""
    table = plain_columns(pd.concat(split_table(audit), axis=1))
    classes = np.unique(audit.data.noisy_y)
    named = [name for name in ("given_label", "suggested_label", "predicted_label", "second_label") if name in table]
    for name in named:
        codes = {label: code for code, label in enumerate(classes.tolist())}
        table[name] = table[name].map(codes).fillna(-1).astype(np.int64)
    frame = pa.Table.from_pandas(table, preserve_index=False)
    features: dict[str, Any] = {name: _feature(frame.schema.field(name).type) for name in frame.column_names}
    if None in features.values():  # of lists and the like: left to the one who reads it
        features = {}
    else:
        names = [str(one) for one in classes]
        features |= {name: {"names": names, "_type": "ClassLabel"} for name in named}
    info = json.dumps({"info": {"features": features}} if features else {})
    frame = frame.replace_schema_metadata({**(frame.schema.metadata or {}), "huggingface": info})
    written_whole(path, lambda file: pq.write_table(frame, file))


def _feature(kind: Any) -> dict[str, str] | None:
    """Return what ``datasets`` calls a type of Arrow's; None of one that has parts."""
    if pa.types.is_timestamp(kind):
        return {"dtype": str(kind), "_type": "Value"}
    names = {"double": "float64", "float": "float32", "halffloat": "float16", "large_string": "large_string"}
    return None if pa.types.is_nested(kind) else {"dtype": names.get(str(kind), str(kind)), "_type": "Value"}


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as plain values that JSON has, None for what is missing."""
    plain = [[_plain(value) for value in table[name].tolist()] for name in table]
    if not plain:
        return [{} for _ in range(len(table))]
    return [dict(zip(table.columns, values, strict=True)) for values in zip(*plain, strict=True)]


def _plain(value: Any) -> Any:
    if isinstance(value, list | dict):
        return value
    if hasattr(value, "tolist"):
        return value.tolist()
    if pd.isna(value):
        return None
    return value if isinstance(value, str | int | float | bool) else str(value)
