"""skorch nets: one for each training rule, each owning one training step and nothing else."""

from noisylabel.nets._base import IndexedNet
from noisylabel.nets._batches import Batch, OrderedBatches, StreamedData, TensorData, TrainingBatches, as_float32
from noisylabel.nets._distilling import DistillingNet, LabelTargets, NetworkTargets, TableTargets, Targets
from noisylabel.nets._mixing import MixingNet
from noisylabel.nets._record import SampleRecord
from noisylabel.nets._weighted import WeightedNet

__all__ = [
    "Batch",
    "DistillingNet",
    "IndexedNet",
    "LabelTargets",
    "MixingNet",
    "NetworkTargets",
    "OrderedBatches",
    "SampleRecord",
    "StreamedData",
    "TableTargets",
    "Targets",
    "TensorData",
    "TrainingBatches",
    "WeightedNet",
    "as_float32",
]
