"""Which features of skorch hold for our nets, and which do not: as data, which the guide shows and ``fit`` checks."""

from typing import NamedTuple


class Feature(NamedTuple):
    """A feature of skorch, or a parameter of one of our nets.

    Attributes
    ----------
    name : str
        As skorch names it; ``*`` stands for any text.
    kind : str
        Where it is given: ``"net_params"``, ``"callbacks"`` or ``"net_"``, the fitted net.
    holds : bool
        Whether it does here what it does in skorch.
    note : str
        What it does; or what to use instead.
    """

    name: str
    kind: str
    holds: bool
    note: str


_OURS = "it is a parameter of the classifier, set it there"
_BATCHES = "batches carry row numbers and are made by the net; use batch_size=... of the classifier"
_PART_OF_FIT = "call fit of the classifier"
_NET_PARAMS = (
    ("optimizer", True, "a class, a partial of one, or a name, in place of the classifier's optimizer"),
    ("optimizer__differentiable", False, "no gradient goes through a step here"),
    ("optimizer__*", True, "options of the optimizer, also for groups of parameters, by the student's own names"),
    ("iterator_train__num_workers", True, "processes that load the samples of a Dataset"),
    ("iterator_valid__num_workers", True, "the same for held-out rows and prediction"),
    ("iterator_train__prefetch_factor", True, "batches that each of those processes loads ahead; 2 by default"),
    ("iterator_valid__prefetch_factor", True, "the same for held-out rows and prediction"),
    ("iterator_valid__batch_size", True, "samples at a time in prediction"),
    ("callbacks__*", True, "a callback's parameters, by its name; None switches it off"),
    ("compile", True, "torch.compile for the network; checkpoints hold the network that is not compiled"),
    ("compile__*", True, "options of torch.compile"),
    ("torch_load_kwargs", True, "options of torch.load when the net is unpickled"),
    ("callbacks__print_log*", False, "use verbose=2, which prints skorch's table"),
    ("module", False, "use student=..."),
    ("module__*", False, "use student=... with an object or a function that builds the network"),
    ("criterion*", False, "use loss=..."),
    ("classes", False, "the classes are those of y"),
    ("lr", False, _OURS),
    ("max_epochs", False, _OURS),
    ("batch_size", False, _OURS),
    ("device", False, _OURS),
    ("callbacks", False, _OURS),
    ("verbose", False, _OURS),
    ("lr_schedule", False, _OURS),
    ("precision", False, _OURS),
    ("ema_decay", False, _OURS),
    ("sync_batchnorm", False, _OURS),
    ("loss", False, _OURS),
    ("class_weight", False, _OURS),
    ("mixup_alpha", False, _OURS),
    ("mix_ratio", False, _OURS),
    ("temperature", False, _OURS),
    ("mentor*", False, "use curriculum=... and loss_percentile=..."),
    ("mixed_mentor*", False, "use second_reweight=..."),
    ("targets*", False, "use teacher=... of FilterKDClassifier"),
    ("record*", False, "training makes it, and it is record_ after fit"),
    ("mix_generator", False, "use random_state=..."),
    ("prepare_samples", False, "it follows from X"),
    ("train_split", False, "use validation_fraction=..."),
    ("iterator_train*", False, _BATCHES),
    ("iterator_valid*", False, "batches are made by the net; iterator_valid__batch_size sets their size"),
    ("dataset*", False, "give fit a torch Dataset"),
    ("predict_nonlinearity", False, "the network gives logits, which become probabilities"),
    ("warm_start", False, "use checkpoint_dir=..., which goes on with a training"),
    ("use_caching", False, "give it to EpochScoring"),
)
_CALLBACKS = (
    (
        "Callback",
        True,
        "your own: all hooks are called, set on a class or an object, and module_ is the network that learns",
    ),
    ("EpochScoring", True, "held-out rows, or on_train=True; use_caching=False scores anew, also an X of your own"),
    ("BatchScoring", True, "as in skorch; needs validation_fraction, or on_train=True"),
    ("PassthroughScoring", True, "as in skorch; needs validation_fraction, or on_train=True"),
    (
        "EarlyStopping",
        True,
        "needs validation_fraction, or train_loss to watch; its message shows with verbose=1",
    ),
    (
        "Checkpoint",
        True,
        "keeps what is evaluated, with ema_decay the average; load_best=True has the last word",
    ),
    ("TrainEndCheckpoint", True, "keeps the network that fit ends with"),
    ("EpochTimer", True, "always there, as dur in history_"),
    ("PrintLog", True, "prints its table with verbose=1; verbose=2 brings one along"),
    ("ProgressBar", True, "as in skorch; verbose=1 has a bar over epochs"),
    ("GradientNormClipping", True, "as in skorch"),
    ("Freezer", True, "patterns match the student's own names; frozen normalisation layers keep their statistics"),
    ("Unfreezer", True, "layers that the student came with frozen learn too, at the full rate"),
    ("ParamMapper", True, "patterns match the student's own names"),
    ("Initializer", True, "patterns match the student's own names"),
    ("TensorBoard", True, "as in skorch"),
    ("MlflowLogger", True, "as in skorch"),
    ("NeptuneLogger", True, "as in skorch"),
    ("SacredLogger", True, "as in skorch"),
    ("WandbLogger", True, "as in skorch; save_model=True needs validation_fraction"),
    ("LRScheduler", False, "use lr_schedule=..., which sets the learning rate at each step"),
    ("WarmRestartLR", False, "use lr_schedule=..., which sets the learning rate at each step"),
    ("LoadInitState", False, "use checkpoint_dir=..., which goes on with a training"),
    ("InputShapeSetter", False, "a student is built for the shape of the samples anyway"),
)
_NET = (
    ("history", True, "skorch's, with its slices; what single batches showed is there until their epoch has ended"),
    ("history_", True, "the same; history_ of the classifier is a table of it"),
    ("module_", True, "the trained network, logits out, with the inputs' standardisation in front"),
    ("optimizer_", True, "the optimizer as training left it"),
    ("callbacks_", True, "as in skorch"),
    ("classes_", True, "the label codes, 0 to C - 1; classes_ of the classifier has the labels"),
    ("predict_proba", True, "arrays, tensors and Datasets as in fit; predict_proba of the classifier converts more"),
    ("predict", True, "the same, label codes; predict of the classifier gives the labels"),
    ("forward", True, "the same, logits"),
    ("forward_iter", True, "the same, batch by batch"),
    ("score", True, "accuracy of label codes; score of the classifier takes the labels"),
    ("infer", True, "logits of a tensor"),
    ("evaluation_step", True, "logits of a batch (X, y)"),
    ("save_params", True, "as in skorch; in training the network that is evaluated"),
    ("load_params", True, "as in skorch; in training the average goes on from there too"),
    ("trim_for_prediction", True, "as in skorch"),
    ("get_params*", True, "as in skorch"),
    ("set_params", True, "what net_params takes, and verbose"),
    ("get_all_learnable_params", True, "by the student's own names"),
    ("get_default_callbacks", True, "as in skorch"),
    ("get_iterator", True, "batches of what callbacks are given"),
    ("get_metadata_routing", True, "as in skorch"),
    ("set_score_request", True, "as in skorch"),
    ("check_is_fitted", True, "as in skorch"),
    ("check_training_readiness", True, "as in skorch"),
    ("initialize*", True, "as in skorch, called by fit"),
    ("initialized_instance", True, "as in skorch"),
    ("torch_compile", True, "as in skorch"),
    ("notify", True, "as in skorch"),
    ("on_*", True, "as in skorch, called by fit"),
    ("train_step*", True, "the training rule, called by fit; a net of your own overrides train_step_single"),
    ("prefixes_", True, "as in skorch"),
    ("cuda_dependent_attributes_", True, "as in skorch"),
    ("init_context_", True, "as in skorch"),
    ("virtual_params_", True, "as in skorch"),
    ("initialized_", True, "as in skorch"),
    ("fit", False, _PART_OF_FIT),
    ("partial_fit", False, f"{_PART_OF_FIT}: the curriculum needs the whole training"),
    ("fit_loop", False, _PART_OF_FIT),
    ("run_single_epoch", False, _PART_OF_FIT),
    ("validation_step", False, "use validation_fraction=..., and score of the classifier"),
    ("get_loss", False, "use loss=... of the classifier"),
    ("get_dataset", False, "give the classifier a torch Dataset"),
    ("get_split_datasets", False, "use validation_fraction=... of the classifier"),
    ("get_train_step_accumulator", False, "a step is one step of the optimizer"),
    ("check_data", False, "fit and predict of the classifier check their data"),
    ("set_fit_request", False, "call it on the classifier"),
    ("set_partial_fit_request", False, "call it on the classifier"),
)

SKORCH_FEATURES = tuple(
    Feature(name, kind, holds, note)
    for kind, rows in (("net_params", _NET_PARAMS), ("callbacks", _CALLBACKS), ("net_", _NET))
    for name, holds, note in rows
)
