"""What arrays, DataFrames, tensors and sparse matrices may hold, at ``fit`` and at ``predict``."""

import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from pandas.api.types import infer_dtype
from scipy import sparse
from torch import Tensor

from noisylabel._support.sklearn_compat import validate_data
from noisylabel.estimators.inputs._format import SampleFormat, check_extremes, check_layout, not_whole, source_type
from noisylabel.exceptions import InvalidDataError

_EXACT_IN_FLOAT32 = {"bool", "int8", "uint8", "int16", "uint16", "float16", "float32"}
_LARGE_INTEGERS = {"int64", "uint64"}
_UINT8_AS_IT_IS = ("uint8", "float32", "dataset")


def as_tensor(array: np.ndarray) -> Tensor:
    """Return a tensor that shares the array's memory, read-only or not: nothing here writes to its inputs."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable", category=UserWarning)
        return torch.as_tensor(array)


def check_X(estimator: Any, X: Any, *, reset: bool, whole: bool = False, **options: Any) -> Any:
    """Check an array, DataFrame, tensor or sparse matrix and return it as an array.

    Parameters
    ----------
    estimator : object
        Whose ``n_features_in_`` and the like scikit-learn notes or compares; with ``reset=False`` fitted.
    X : array-like of shape (N, ...)
    reset : bool
        Whether this is ``fit``.
    whole : bool, default=False
        Whether whole numbers stay whole, in ``fit``.
    **options
        Of scikit-learn's ``validate_data``.

    Returns
    -------
    ndarray of shape (N, ...)
        uint8 if it holds uint8 images, int64 if it holds whole numbers that stay whole, float64 if it is a table that
        float32 may not be able to hold, else float32.

    Raises
    ------
    ValueError
        If it is empty, holds NaN, infinity or extreme values, or has another shape, type or scale than at ``fit``.
    """
    X = plain_samples(X)
    shape, source = tuple(getattr(X, "shape", ())), source_type(X)
    if reset and len(shape) > 1:
        check_layout(shape[1:], source == "uint8")
        _check_digits(X)
    expected = None if reset else SampleFormat.of(estimator)
    if expected is not None and len(shape) > 1 and max(len(shape) - 1, len(expected.shape)) > 1:
        expected.check_shape(shape[1:])  # tables are left to scikit-learn's own check
    wanted = _wanted_type(X, shape, whole) if expected is None else _expected_type(X, shape, expected)
    given = X if _has_unique_names(X) else X.to_numpy()  # scikit-learn notes names only if they tell columns apart
    checked = validate_data(
        estimator, given, reset=reset, dtype=_type_to_check(X, wanted), allow_nd=True, order="C", **options
    )
    values = checked[0] if isinstance(checked, tuple) else checked
    check_extremes(values, getattr(estimator, "feature_names_in_", None))
    if expected is not None:
        expected.check_scale(values, source)
    values = values.astype(wanted, copy=False)
    return (values, *checked[1:]) if isinstance(checked, tuple) else values


def plain_samples(X: Any) -> Any:
    """Return what scikit-learn can check: tensors, lists of images and sparse matrices as arrays.

    Raises
    ------
    InvalidDataError
        If it is a mapping, holds bytes, has masked values or would not fit into memory.
    """
    if isinstance(X, Mapping):
        raise InvalidDataError(
            f"X is a mapping with {', '.join(map(repr, X))}. A network gets one array: join them, or give a DataFrame."
        )
    _refuse_masks(X)
    if isinstance(X, (list, tuple)) and len(X) > 0 and not isinstance(X[0], (int, float, str, bytes)):
        _refuse_pairs(X[0])
        if isinstance(X[0], Tensor) or np.ndim(X[0]) > 1:
            X = _stacked(X)
    if isinstance(X, Tensor):
        X = X.detach().to_dense().cpu()
        return (X.float() if X.dtype == torch.bfloat16 else X).numpy()
    if sparse.issparse(X):
        return _dense(X)
    _check_columns(X)
    return X


def _stacked(samples: Any) -> Any:
    """Return a list of tensors, or of images, as one tensor or array."""
    try:
        return torch.stack(tuple(samples)) if isinstance(samples[0], Tensor) else np.stack(samples)
    except (RuntimeError, TypeError, ValueError) as error:
        shapes = sorted({tuple(np.shape(sample)) for sample in samples})
        raise InvalidDataError(
            f"X must have samples of one type and shape. Got {', '.join(map(str, shapes[:3]))}: {error}. Resize or pad "
            "them."
        ) from error


def _refuse_masks(X: Any) -> None:
    parts = X if isinstance(X, (list, tuple)) else [X]
    n_masked = sum(int(np.ma.getmaskarray(part).sum()) for part in parts if isinstance(part, np.ma.MaskedArray))
    if n_masked:
        raise InvalidDataError(
            f"X has {n_masked} masked values. Fill them in first, for instance with sklearn.impute.SimpleImputer on "
            "X.filled(numpy.nan)."
        )


def _is_frame(X: Any) -> bool:
    return hasattr(X, "columns") and hasattr(X, "dtypes") and hasattr(X, "items")


def _has_unique_names(X: Any) -> bool:
    return not _is_frame(X) or len(set(X.columns)) == len(X.columns)


def _refuse_pairs(first: Any) -> None:
    if isinstance(first, (tuple, list)) and len(first) == 2 and np.ndim(first[0]) > 0 and np.ndim(first[1]) == 0:
        raise InvalidDataError(
            "X is a list of (sample, label) pairs, as scikit-learn makes of a torch Dataset that it cuts. Pass "
            "skorch.helper.SliceDataset(dataset) as X and an array of the labels as y: that stays a Dataset when cut."
        )


def _check_columns(X: Any) -> None:
    """Refuse bytes, whose encoding nobody knows."""
    if _is_frame(X):
        for name, column in X.items():
            if str(column.dtype).startswith("binary") or (column.dtype == object and _has_bytes(column)):
                raise InvalidDataError(
                    f"X has bytes in column {name!r}. Make numbers of them, or texts: X[{name!r}].str.decode('utf-8')."
                )
    elif getattr(getattr(X, "dtype", None), "kind", "") == "S":
        raise InvalidDataError("X holds bytes. Make numbers of them: X.astype(float).")


def _has_bytes(column: Any) -> bool:
    """Whether a column of objects holds bytes; one by one they are looked at only where types are mixed."""
    kind = infer_dtype(column)
    is_mixed = kind in ("mixed", "mixed-integer")
    return kind == "bytes" or (is_mixed and any(isinstance(value, bytes) for value in column))


def _check_digits(X: Any) -> None:
    """Refuse columns of integers so large that float64 makes one number of those that differ, such as 64-bit ids."""
    columns: Iterable[tuple[Any, Any]] = ()
    if _is_frame(X):
        columns = ((name, column) for name, column in X.items() if str(column.dtype).lower() in _LARGE_INTEGERS)
    elif isinstance(X, np.ndarray) and X.ndim == 2 and str(X.dtype) in _LARGE_INTEGERS:
        columns = enumerate(X.T)
    for name, column in columns:
        if len(column) == 0 or pd.isna(column.min()):
            return  # scikit-learn has a sentence for it
        low, high = int(column.min()), int(column.max())
        if np.spacing(float(max(-low, high))) > 1e-3 * (high - low) > 0:
            raise InvalidDataError(
                f"X has integers in column {name!r}, from {low} to {high}, that differ in digits which float64 does "
                "not hold. If they are ids, leave the column out; if they are times or counts, subtract the smallest."
            )


def _dense(X: Any) -> np.ndarray:
    """Return a sparse matrix as a dense float32 one, if there is room for it."""
    n_bytes = 4 * X.shape[0] * X.shape[1]
    free = _free_memory()
    if n_bytes > free:
        raise InvalidDataError(
            f"X is sparse, of shape {X.shape}; dense it takes {n_bytes / 1e9:.1f} GB, and {free / 1e9:.1f} GB are "
            "free. Make fewer columns of it first, for instance with sklearn.decomposition.TruncatedSVD(100)."
        )
    X = X.tocsr()
    if X.dtype == np.float64:
        check_extremes(X.data[np.isfinite(X.data)])
    dense: np.ndarray = X.astype(np.float32).toarray()
    return dense


def _free_memory() -> float:
    """Return how many bytes of memory are free; infinity where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return float("inf")
    return next((1024.0 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable")), float("inf"))


def _types(X: Any) -> set[str]:
    """Return the names of the types that an array, DataFrame or list of numbers has; empty if it has none yet."""
    if hasattr(X, "dtypes"):
        return {str(dtype) for dtype in np.atleast_1d(X.dtypes)}
    if isinstance(X, (list, tuple)):
        kinds = {type(value) for row in X for value in np.atleast_1d(np.asarray(row, dtype=object)).flat}
        return {"int64"} if kinds and kinds <= {int} else set()
    return {str(X.dtype)} if hasattr(X, "dtype") else set()


def _is_whole(X: Any) -> bool:
    types = _types(X)
    return bool(types) and all(name.lower().startswith(("int", "uint")) for name in types)


def _wanted_type(X: Any, shape: tuple[int, ...], whole: bool) -> str:
    """Return the type that ``fit`` wants."""
    types = set() if isinstance(X, (list, tuple)) else _types(X)
    if len(shape) > 2 and types == {"uint8"}:
        return "uint8"
    if whole and len(shape) < 4 and _is_whole(X):
        return "int64"
    is_exact = bool(types) and types <= _EXACT_IN_FLOAT32
    return "float64" if len(shape) <= 2 and not is_exact else "float32"


def _expected_type(X: Any, shape: tuple[int, ...], expected: SampleFormat) -> str:
    """Return the type in which ``predict`` hands on what it gets."""
    if len(shape) > 2 and str(getattr(X, "dtype", "")) == "uint8" and expected.dtype in _UINT8_AS_IT_IS:
        return "uint8"
    if expected.dtype == "int64":
        if not _is_whole(X) and not np.array_equal(np.asarray(X), np.round(np.asarray(X, dtype=np.float64))):
            raise InvalidDataError(not_whole(expected.owner))
        return "int64"
    return "float64" if expected.dtype == "float64" else "float32"


def _type_to_check(X: Any, wanted: str) -> str:
    """Return the type in which scikit-learn looks at it: one in which no number becomes infinity unseen."""
    source = str(getattr(X, "dtype", "float64"))
    return "float64" if wanted == "float32" and source in ("float64", "float128", "object") else wanted


def check_lengths(X: Any, labels: np.ndarray) -> None:
    """Refuse another number of labels than of samples.

    Raises
    ------
    InvalidDataError
        With both numbers.
    """
    shape = getattr(X, "shape", ()) or ((len(X),) if isinstance(X, (list, tuple, range)) else ())
    if shape and shape[0] != len(labels):
        raise InvalidDataError(
            f"X has {shape[0]} samples, but y has {len(labels)} labels. Give one label for each sample."
        )
