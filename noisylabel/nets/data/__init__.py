"""Data of a net: samples in memory or loaded when needed, and the batches that both give."""

from noisylabel.nets.data._batch import Batch, as_float32
from noisylabel.nets.data._given_data import Data, Prepare, ScoredData, as_data
from noisylabel.nets.data._iterated import IteratedData, sorted_by_row
from noisylabel.nets.data._loading import check_labels
from noisylabel.nets.data._row_stream import NO_LABEL, RowsSeen, RowStream
from noisylabel.nets.data._streamed import StreamedData, keeping_workers
from noisylabel.nets.data._tensors import TensorData

__all__ = [
    "NO_LABEL",
    "Batch",
    "Data",
    "IteratedData",
    "Prepare",
    "RowStream",
    "RowsSeen",
    "ScoredData",
    "StreamedData",
    "TensorData",
    "as_data",
    "as_float32",
    "check_labels",
    "keeping_workers",
    "sorted_by_row",
]
