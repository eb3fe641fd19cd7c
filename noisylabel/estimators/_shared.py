"""What the classifiers share: the constraints of their common parameters, and one text for each."""

import inspect
from typing import TypeVar

from noisylabel._support.constraints import (
    Choice,
    ClassWeights,
    Constraint,
    Count,
    Flag,
    ListOf,
    NameOr,
    Number,
    OrNone,
)
from noisylabel.estimators._settings import AUGMENTATIONS, OPTIMIZERS

SHARED_CONSTRAINTS: dict[str, Constraint] = {
    "class_weight": OrNone(ClassWeights()),
    "max_epochs": Count(),
    "batch_size": Count(),
    "lr": Number(0, closed="neither"),
    "weight_decay": Number(0),
    "validation_fraction": Number(0, 0.5, hint="0 holds nothing out."),
    "n_workers": Count(),
    "sync_batchnorm": Flag(),
    "precision": Choice(("fp32", "bf16")),
    "standardize": Flag(),
    "predict_flipped": Flag(),
    "optimizer": NameOr(OPTIMIZERS, "an optimizer class of torch, or functools.partial of one"),
    "augment": OrNone(NameOr(AUGMENTATIONS, "a function of (batch, generator)")),
    "ema_decay": Number(0, 1, closed="left", hint="0 averages nothing."),
    "callbacks": OrNone(ListOf("skorch callbacks")),
}

PARAMETERS = {
    "filter_alpha": """
        float in (0, 1], optional
            Keep filtered predictions in ``record_.proba_`` too, (N, C): averages over the visits of a row in which the
            latest counts this much. 0.05 in the Filter-KD paper; 4 bytes for each row and class.""",
    "class_weight": """
        dict, "balanced" or None, default=None
            How much the loss of a row counts, by its label; 1 for a label that is not in the dict. ``"balanced"``
            gives all classes the same sum. Only the ratios matter. The curriculum compares plain losses, but those of
            a rare class that counts are no higher than the others'. Each label of a mix counts by its own weight.""",
    "student": """
        str, Student, nn.Module (class or object) or callable, default="auto"
            The network: a name in ``noisylabel.students.STUDENTS``, ``"timm:NAME"``, ``"torchvision:NAME"``, a
            network giving one logit a class, or a builder ``(sample_shape, n_classes)``. ``"auto"``: ``"cnn"`` for
            images, else ``"table"``.""",
    "standardize": """
        bool, default=True
            Make zero mean and unit variance of the inputs (a feature of a table, a channel of images) in a fixed first
            layer. Without it, the network gets them as they are, uint8 images as floats of 0 to 255; whole numbers,
            such as token ids, stay whole if the network takes them.""",
    "optimizer": """
        {"sgd", "momentum", "adam", "adamw"}, torch optimizer class or partial of one, default="adamw"
            ``"sgd"`` has Nesterov momentum 0.9, ``"momentum"`` the plain one. ``functools.partial(torch.optim.RMSprop,
            alpha=0.9)`` sets more.""",
    "lr": """
        float in (0, inf), default=0.002
            Learning rate that the schedule starts from or, with ``"one_cycle"``, rises to.""",
    "lr_schedule": """
        {"one_cycle", "constant", "cosine", "linear"}, str or callable, default="one_cycle"
            Factor on the learning rate. ``"one_cycle"`` rises linearly for a fifth of training, then falls linearly to
            0. A text such as ``"1,50,0.1,50"`` gives factors, each with its percent of training. A callable maps
            progress in [0, 1] to a factor, such as ``functools.partial(noisylabel.schedules.one_cycle, warmup=0.1)``.
            """,
    "weight_decay": """
        float in [0, inf), default=0.0005
            For kernels only, scaled by the mean weight of each batch.""",
    "max_epochs": """
        int, default=50
            Passes over the training rows.""",
    "batch_size": """
        int, default=128
            Largest batch. Batches are made as equal in size as possible. With 2 an odd number of rows has one batch of
            3, since batch normalisation cannot take a single row.""",
    "augment": """
        {"shift", "shift_flip", "shift_alternate", "shift_alternate_cutout"} or callable, optional
            Random change of each training batch of images. All shift by up to an eighth of the side, with reflection
            at the border. ``"flip"`` mirrors half of the images at random; ``"alternate"`` each image in every second
            epoch, which few epochs use best; ``"cutout"`` covers a square of 3/8 of the side.
            ``noisylabel.functional.ImageAugmentation(max_shift=2)`` sets the sizes. A callable is
            ``augment(batch, generator)``, or ``augment(batch, generator, rows, epoch)`` if it has a true attribute
            ``needs_rows``: row numbers (B,) and the epoch, a tensor of shape ().""",
    "predict_flipped": """
        bool, default=False
            Predict the mean, of logits, over each image and its mirror image: in ``predict``, ``predict_proba``,
            ``score`` and what is exported, but not in training. It may be set after ``fit``. Say of a result whether it
            was made so.""",
    "precision": """
        {"fp32", "bf16"}, default="fp32"
            Arithmetic of the forward pass.""",
    "device": """
        str or torch.device, default="cpu"
            Where to train, for instance ``"cuda"``. ``"auto"`` is ``"cuda"`` if torch sees a GPU, else ``"cpu"``.
            (Apple's ``"mps"`` lacks the double precision that the statistics need.)""",
    "n_workers": """
        int, default=1
            Processes that train the network together, by Ray Train and torch's distributed data parallelism: each works
            out its part of every batch, on a GPU of its own with ``device="cuda"``. The result is that of one worker,
            but for rounding, batch statistics and drop-out. Needs Ray; on a cluster call ``ray.init`` first.""",
    "sync_batchnorm": """
        bool, default=False
            With several workers, let batch normalisation in training go by the whole batch, as with one, instead of by
            each worker's part. It costs two small messages a layer.""",
    "validation_fraction": """
        float in [0, 0.5], default=0.0
            Share of the rows, labels as noisy as the rest, to hold out. If above 0, the network of the epoch with the
            highest accuracy on them is kept.""",
    "checkpoint_dir": """
        str or Path, optional
            Folder for a checkpoint, written after each epoch. If it holds one of the same data and parameters, ``fit``
            goes on from there, to the same result bit for bit on the CPU. ``noisylabel.load_checkpoint`` makes a
            classifier of it, and ``noisylabel evaluate --watch`` follows it during training. Leave it out in a search
            or cross-validation, whose folds are different data.""",
    "callbacks": """
        list of skorch callbacks, optional
            In addition to our own.""",
    "net_params": """
        dict, optional
            More of skorch's options, such as ``{"optimizer__momentum": 0.8}``; the guide has a table of those that
            hold.""",
    "random_state": """
        int, RandomState or None, default=None
            Seed; the global random streams are never touched.""",
    "verbose": """
        int, default=0
            0 shows nothing. 1 shows a progress bar in a terminal or notebook, and lets skorch's callbacks print. 2
            prints a table too, a line an epoch. The logger ``"noisylabel"`` is told of each tenth of training, whatever
            ``verbose`` is.""",
}

ATTRIBUTES = {
    "classes_": """
        ndarray of shape (C,)
            The labels, sorted.""",
    "history_": """
        DataFrame
            A row an epoch: training loss, learning rate (of the parameters that have no factor on it),
            ``data_utilization`` (mean weight), ``loss_threshold`` (moving percentile), validation loss and accuracy
            where rows are held out, seconds.""",
    "record_": """
        SampleRecord
            What training saw of each row, unmixed; see ``noisylabel.nets.SampleRecord`` and ``label_issues``.""",
    "sample_weight_": """
        ndarray of shape (N,)
            Weight of each row, unmixed, at its last visit; NaN for held-out rows. Above 1 where the curriculum lets
            some rows count more than once.""",
    "best_epoch_": """
        int
            With held-out rows: the epoch whose network was kept, from 1.""",
    "n_iter_": """
        int
            Epochs done.""",
    "interrupted_": """
        bool
            Whether Ctrl-C, or a callback's KeyboardInterrupt, ended ``fit`` before its last epoch.""",
    "sample_shape_": """
        tuple
            Shape of one sample.""",
    "sample_dtype_": """
        {"float32", "float64", "uint8", "int64"}
            What the samples are for the network: float64 for tables that would lose digits as float32, int64 for whole
            numbers that ``standardize=False`` leaves whole.""",
    "sample_range_": """
        tuple of float
            Lowest and highest value of the samples; of a Dataset, of those looked at.""",
    "sample_source_": """
        str
            Type in which the samples came, such as "uint8"; empty if they had several types, or none.""",
    "n_features_in_": """
        int
            Number of features of a table, or of channels of images.""",
    "feature_names_in_": """
        ndarray of shape (n_features_in_,)
            Column names, if X was a DataFrame.""",
}

Kind = TypeVar("Kind", bound=type)


def with_shared_docs(kind: Kind) -> Kind:
    """Fill the shared parameters and attributes into a classifier's docstring.

    ``{parameters}`` in it stands for those parameters of ``__init__`` that are described here and not in the docstring
    itself, in the order of ``__init__``; ``{attributes}`` for the shared attributes that it does not describe itself.
    """
    text = inspect.cleandoc(kind.__doc__ or "")
    entries = [line.split(" : ")[0] for line in text.splitlines() if line and not line.startswith((" ", "-", ">"))]
    described = {name for entry in entries for name in entry.split(", ")}
    own = [name for name in inspect.signature(kind).parameters if name not in described]
    text = text.replace("{parameters}", "\n".join(f"{name} : {_entry(PARAMETERS[name])}" for name in own))
    left = [name for name in ATTRIBUTES if name not in described]
    kind.__doc__ = text.replace("{attributes}", "\n".join(f"{name} : {_entry(ATTRIBUTES[name])}" for name in left))
    return kind


def _entry(text: str) -> str:
    return inspect.cleandoc(text)
