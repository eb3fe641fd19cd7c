"""Decode the usual Parquet layout of image sets."""

import io
from pathlib import Path

import numpy as np

from noisylabel.exceptions import InvalidDataError


def decode_parquet(path: Path, image_column: str, label_column: str) -> dict[str, np.ndarray]:
    """Read images and labels from a Parquet file.

    Parameters
    ----------
    path : Path
        File with a column of structs ``bytes``, ``path`` (any format that Pillow reads) and a column of labels.
    image_column, label_column : str
        Names of the columns.

    Returns
    -------
    dict
        ``images`` (N, channels, H, W) uint8 and ``labels`` (N,) int64.

    Raises
    ------
    InvalidDataError
        If a column is missing.
    """
    import pyarrow.parquet as pq
    from PIL import Image

    table = pq.read_table(path)
    for column in (image_column, label_column):
        if column not in table.column_names:
            raise InvalidDataError(f"{path} has no column {column!r}. It has {table.column_names}.")
    pictures = table.column(image_column).combine_chunks().field("bytes")
    images = np.stack([np.asarray(Image.open(io.BytesIO(one.as_py())).convert("RGB")) for one in pictures])
    labels = table.column(label_column).to_numpy().astype(np.int64)
    return {"images": np.ascontiguousarray(images.transpose(0, 3, 1, 2)), "labels": labels}
