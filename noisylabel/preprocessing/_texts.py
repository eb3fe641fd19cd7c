"""A column of texts as a few dense numbers."""

from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.pipeline import make_pipeline

from noisylabel._support.files import local_path, reading
from noisylabel.exceptions import InvalidFileError, MissingDependencyError

_DIMENSIONS = 100
_BUCKETS = 2**15


class TextColumn(TransformerMixin, BaseEstimator):
    """One column of texts: words and their pairs hashed, TF-IDF, the leading singular vectors; or what a model gives.

    Parameters
    ----------
    model : path, optional
        Folder of a sentence-transformers model: its embeddings are taken instead.
    random_state : int, default=0
        Seed of the singular value decomposition.
    """

    def __init__(self, model: Any = None, random_state: Any = 0) -> None:
        self.model = model
        self.random_state = random_state

    def fit(self, column: Any, y: Any = None) -> Self:
        """Learn the words of a column."""
        self.fit_transform(column)
        return self

    def fit_transform(self, column: Any, y: Any = None, **_: Any) -> Any:
        """Learn the words of a column and return its numbers, (N, D)."""
        if self.model is None:
            self.steps_ = _word_steps(column, self.random_state)
            dense = self.steps_.fit_transform(_as_texts(column))
        else:
            dense = _embed(self.model, column)
        self.n_dimensions_ = dense.shape[1]
        return dense * self.n_dimensions_**0.5

    def transform(self, column: Any) -> Any:
        """Return the numbers of a column of texts, (N, D)."""
        dense = self.steps_.transform(_as_texts(column)) if self.model is None else _embed(self.model, column)
        return dense * self.n_dimensions_**0.5

    def get_feature_names_out(self, input_features: Any) -> np.ndarray:
        """Return the name of the column with a number behind it."""
        return np.array([f"{input_features[0]}_{number}" for number in range(self.n_dimensions_)], dtype=object)


def _word_steps(column: Any, random_state: Any) -> Any:
    """Return the steps from texts to dense numbers; short texts go by their groups of 2 to 4 letters."""
    from sklearn.decomposition import TruncatedSVD

    has_words = column.dropna().astype("string").str.split().str.len().mean() >= 3
    pieces = {"ngram_range": (1, 2)} if has_words else {"analyzer": "char_wb", "ngram_range": (2, 4)}
    n_dimensions = max(2, min(_DIMENSIONS, len(column) // 10))
    return make_pipeline(
        HashingVectorizer(n_features=_BUCKETS, alternate_sign=False, norm=None, **pieces),
        TfidfTransformer(sublinear_tf=True),
        TruncatedSVD(n_dimensions, random_state=random_state),
    )


def _as_texts(column: Any) -> Any:
    return column.astype("string").fillna("").astype(object)


def _embed(model: Any, column: Any) -> np.ndarray:
    """Return the embeddings of a local model of sentence-transformers, (N, D), each of length 1."""
    folder = local_path("text_model", model)
    if not folder.is_dir():
        raise InvalidFileError(f"There is no folder {folder}. Give the folder of a sentence-transformers model.")
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise MissingDependencyError(
            "A model for texts needs the package sentence-transformers: pip install sentence-transformers."
        ) from error
    with reading(Path(folder), "sentence-transformers model"):
        encoder = SentenceTransformer(str(folder), local_files_only=True)
    return np.asarray(encoder.encode(list(_as_texts(column)), normalize_embeddings=True, show_progress_bar=False))
