"""MentorMix: mix samples by what their curriculum thinks of them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import torch

from noisylabel.curricula import Curriculum
from noisylabel.estimators._mentornet import MentorNetClassifier
from noisylabel.estimators._presets import find_preset
from noisylabel.estimators._shared import with_shared_docs


@with_shared_docs
class MentorMixClassifier(MentorNetClassifier):
    """Deep classifier that learns from noisy labels by mixing samples, weighted by a MentorNet curriculum.

    Each step passes over the batch once without learning, weighs the losses, draws a partner for each sample (likelier
    one of high weight), mixes the two, and learns the mix: the larger share belongs to a sample that the curriculum
    believes, and to the partner of one that it does not.

    It is ``MentorNetClassifier`` with other defaults: ``mixup_alpha=1``, ``ema_decay=0.9999`` and, for a named
    curriculum, ``percentile_by_class=True`` and ``second_reweight="auto"``. They need no knowledge of the noise. With
    ``curriculum="auto"`` the mixes are of what each row probably is; where no noise is seen, nothing is mixed.
    ``from_preset`` gives the published settings.

    Parameters
    ----------
    curriculum, update_at, loss_percentile, percentile_decay, burn_in, fixed_epoch_after_burn_in
        As in ``MentorNetClassifier``.
    percentile_by_class : bool, default=True
        Compare each loss with a percentile of its own class's losses. The authors have one for all, by which very noisy
        labels can lose whole classes.
    example_dropout : float in [0, 1], str or None, default=None
        As in ``MentorNetClassifier``: a dropped sample has weight 0, so its partner gets the larger share. The
        authors use none.
    mixup_alpha : float in [0, inf), default=1.0
        Shares are drawn from Beta(alpha, alpha), one for each sample; the larger alpha, the more even the mixes, and
        the longer they take to learn: the authors have 2 to 8 for 512 epochs. 0 mixes nothing.
    second_reweight : bool or "auto", default="auto"
        Let the curriculum also weigh the losses of the mixes. Without it, wrong labels still count with the smaller
        share, which on very noisy labels is learnt by heart in the end; with it, few mixes are left to learn from.
        ``"auto"`` does it where fewer than half of the labels are right and the network has learned at least a third
        of what there is when the burn-in ends, both estimated; with a number as ``loss_percentile``, where that is
        below 3/8. The authors do it at 60 and 80 % and not at 20 and 40 %, in trainings of 512 epochs.
        ``curriculum="auto"`` never does it.
    mix_ratio, ema_decay
        As in ``MentorNetClassifier``.
    {parameters}

    Attributes
    ----------
    net_ : MixingNet
        The trained skorch net.
    history_ : DataFrame
        A row an epoch, as in ``MentorNetClassifier``; with ``second_reweight`` also ``mixed_data_utilization`` (1 where
        ``"auto"`` does not weigh mixes) and ``mixed_loss_threshold``.
    noise_rate_, noise_rate_interval_, noise_rate_by_class_, noise_rate_by_class_interval_
        As in ``MentorNetClassifier``.
    noise_matrix_, noise_matrix_interval_, learnability_, advice_, curriculum_
        As in ``MentorNetClassifier``.
    {attributes}

    References
    ----------
    Jiang, Huang, Liu, Yang, "Beyond synthetic noise: deep learning on controlled noisy labels", ICML 2020,
    https://arxiv.org/abs/1911.09781

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from noisylabel import MentorMixClassifier
    >>> from noisylabel.noise import corrupt
    >>> X, y = load_digits(return_X_y=True)
    >>> noisy_y, manifest = corrupt(y[:1200], "symmetric", rate=0.4, random_state=0)
    >>> clf = MentorMixClassifier(random_state=0).fit(X[:1200], noisy_y)
    >>> clf.score(X[1200:], y[1200:]) > 0.85
    True
    """

    def __init__(
        self,
        curriculum: str | Path | Curriculum | Callable[..., torch.Tensor] = "auto",
        *,
        update_at: Sequence[float] = (21, 75),
        loss_percentile: float | str = "auto",
        percentile_decay: float = 0.5,
        percentile_by_class: bool = True,
        burn_in: float = 18,
        example_dropout: float | str | None = None,
        fixed_epoch_after_burn_in: bool = False,
        mixup_alpha: float = 1.0,
        mix_ratio: str = "hard",
        second_reweight: bool | str = "auto",
        ema_decay: float = 0.9999,
        filter_alpha: float | None = None,
        class_weight: Mapping[Any, float] | str | None = None,
        student: Any = "auto",
        standardize: bool = True,
        optimizer: Any = "adamw",
        lr: float = 0.002,
        lr_schedule: str | Callable[[float], float] = "one_cycle",
        weight_decay: float = 0.0005,
        max_epochs: int = 50,
        batch_size: int = 128,
        augment: Any = None,
        predict_flipped: bool = False,
        precision: str = "fp32",
        device: Any = "cpu",
        n_workers: int = 1,
        sync_batchnorm: bool = False,
        validation_fraction: float = 0.0,
        checkpoint_dir: str | Path | None = None,
        callbacks: list[Any] | None = None,
        net_params: dict[str, Any] | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            curriculum,
            update_at=update_at,
            loss_percentile=loss_percentile,
            percentile_decay=percentile_decay,
            percentile_by_class=percentile_by_class,
            burn_in=burn_in,
            example_dropout=example_dropout,
            fixed_epoch_after_burn_in=fixed_epoch_after_burn_in,
            mixup_alpha=mixup_alpha,
            mix_ratio=mix_ratio,
            second_reweight=second_reweight,
            ema_decay=ema_decay,
            filter_alpha=filter_alpha,
            class_weight=class_weight,
            student=student,
            standardize=standardize,
            optimizer=optimizer,
            lr=lr,
            lr_schedule=lr_schedule,
            weight_decay=weight_decay,
            max_epochs=max_epochs,
            batch_size=batch_size,
            augment=augment,
            predict_flipped=predict_flipped,
            precision=precision,
            device=device,
            n_workers=n_workers,
            sync_batchnorm=sync_batchnorm,
            validation_fraction=validation_fraction,
            checkpoint_dir=checkpoint_dir,
            callbacks=callbacks,
            net_params=net_params,
            random_state=random_state,
            verbose=verbose,
        )

    @classmethod
    def from_preset(cls, name: str, **changes: Any) -> Self:
        """Return a classifier with published settings, or with those of a fast training of small images.

        Parameters
        ----------
        name : str
            ``"cifar10-0.4"``: data set and noise level, of ``noisylabel.estimators.PRESETS``; or ``"auto"``, the
            defaults, which estimate the noise rate; or ``"speed_xs"``, ``"speed_s"``, ``"speed_m"``,
            ``"speed_l"`` as in ``MentorNetClassifier.from_preset``, without its loss.
        **changes
            Parameters to set otherwise, for instance a smaller ``student`` and fewer ``max_epochs``.

        Returns
        -------
        MentorMixClassifier

        Raises
        ------
        InvalidParameterError
            If there is no preset of this name.

        Examples
        --------
        >>> clf = MentorMixClassifier.from_preset("cifar10-0.4", student="cnn", max_epochs=60)
        >>> clf.mixup_alpha, clf.loss_percentile, clf.second_reweight
        (8, 0.6, False)
        """
        return cls(**(find_preset(name) | changes))
