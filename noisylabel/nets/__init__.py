"""skorch nets: one for each training rule, each owning one training step and nothing else; the loop is in one place."""

from noisylabel.nets._base import IndexedNet, Step
from noisylabel.nets._batches import OrderedBatches, TrainingBatches
from noisylabel.nets._checkpoint import CHECKPOINT_FILE, CHECKPOINT_FORMAT, Checkpoint, CheckpointFile
from noisylabel.nets._distilling import DistillingNet, LabelTargets, NetworkTargets, TableTargets, Targets
from noisylabel.nets._features import SKORCH_FEATURES, Feature
from noisylabel.nets._loop import Trained, log_epoch, train_net
from noisylabel.nets._mixing import MixingNet
from noisylabel.nets._record import SampleRecord
from noisylabel.nets._sanity import are_predictions
from noisylabel.nets._skorch import check_callbacks, check_net_params
from noisylabel.nets._weighted import Weighed, WeightedNet
from noisylabel.nets.data import Batch, Data, IteratedData, StreamedData, TensorData, as_float32
from noisylabel.nets.steps import StepSizes, plain_network

__all__ = [
    "CHECKPOINT_FILE",
    "CHECKPOINT_FORMAT",
    "SKORCH_FEATURES",
    "Batch",
    "Checkpoint",
    "CheckpointFile",
    "Data",
    "DistillingNet",
    "Feature",
    "IndexedNet",
    "IteratedData",
    "LabelTargets",
    "MixingNet",
    "NetworkTargets",
    "OrderedBatches",
    "SampleRecord",
    "Step",
    "StepSizes",
    "StreamedData",
    "TableTargets",
    "Targets",
    "TensorData",
    "Trained",
    "TrainingBatches",
    "Weighed",
    "WeightedNet",
    "are_predictions",
    "as_float32",
    "check_callbacks",
    "check_net_params",
    "log_epoch",
    "plain_network",
    "train_net",
]
