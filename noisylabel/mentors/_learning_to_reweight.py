"""A mentor that asks at each step which rows help the network with rows whose right label is known."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import torch
from torch import Tensor
from torch.func import functional_call, grad, grad_and_value, jvp, vjp
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import cross_entropy
from torch.nn.modules.dropout import _DropoutNd

from noisylabel._support.trusted import known_rows
from noisylabel._support.validation import check_count
from noisylabel.exceptions import InvalidParameterError
from noisylabel.functional import alignment_weights
from noisylabel.mentors._base import Mentor, Observation, Trainee

_MOST_ROWS = 5_000  # trusted rows that are kept on the device
_MOST_NUMBERS = 2**26  # in their inputs: 256 MB
_MOST_WEIGHT = 2.0  # of a row

Parameters = dict[str, Tensor]


class LearningToReweightMentor(Mentor):
    r"""Weigh each row by how much a step on it alone would lower the loss of trusted rows.

    For each batch, with :math:`w` the network's parameters and :math:`l_i` the loss of row i,

    .. math:: u_i = -\frac{\partial}{\partial \varepsilon_i} L_{trusted}\Big(w - \sum_j \varepsilon_j \nabla l_j(w)
              \Big)\Big|_{\varepsilon = 0} = \langle \nabla l_i(w), \nabla L_{trusted}(w) \rangle, \qquad
              v_i = \frac{\max(u_i, 0)}{\sum_j \max(u_j, 0)}

    The size of the virtual step cancels out. As training takes the mean over the B rows of the batch, their weights are

    .. math:: w_i = \min(B\, v_i, 2).

    No row counts more than twice what it does in plain training, so that no step is far longer than one of plain
    training. If no row helps, all weights are 0, and the step is left out.

    It needs no rate of wrong labels, and does not mind what kind they are. It has no burn-in, as the paper has none.

    Parameters
    ----------
    n_trusted_per_step : int, default=128
        Trusted rows that are drawn for each step, at least 2; if there are fewer, all of them.

    Attributes
    ----------
    trusted_loss_ : Tensor of shape ()
        Mean cross entropy of the trusted rows of the last step, of their right labels.

    Notes
    -----
    The :math:`u_i` are exact: the gradient of the trusted rows (a forward and a backward pass), and the derivative of
    the batch's losses in its direction (one pass in forward mode, which costs about two). With the step itself that is
    two to three times the time of plain training. Networks that hold an operation without forward mode, such as an LSTM
    on the CPU, are differentiated twice instead. These passes are made in float32, with drop-out layers switched off.

    Batch normalisation takes the moments of its own rows in each of the two passes, through which the derivative goes;
    its running statistics are neither read nor written, but for the step itself.

    The inputs of the trusted rows stay on the device, not augmented: at most 5,000 rows and 256 MB, drawn at random
    once. Trusted rows are learned from as all others, with the label in ``y``. The loss of trusted rows is without
    weight decay.

    Neither the paper nor its code has the bound of 2: there a step is on :math:`\sum_i v_i l_i`. Rows of long gradients
    have most of the weight, so steps do not become shorter as the network learns, and with SGD training ended at chance
    or diverged. A lower bound makes it slower, above all where there are many classes.

    References
    ----------
    Ren, Zeng, Yang and Urtasun, "Learning to reweight examples for robust deep learning", ICML 2018,
    https://arxiv.org/abs/1803.09050; but for the bound, formulas and normalisation as in their released code.

    Examples
    --------
    >>> from torch import nn
    >>> mentor = LearningToReweightMentor()
    >>> mentor.tell(right_labels=torch.tensor([1, 1, -1, -1]), groups=None)
    >>> mentor.start(n_samples=4, n_classes=2, generator=torch.Generator())
    >>> inputs, labels = torch.tensor([[1.0], [2.0], [3.0], [4.0]]), torch.tensor([1, 1, 0, 1])
    >>> network = nn.Linear(1, 2)
    >>> _ = nn.init.zeros_(network.weight), nn.init.zeros_(network.bias)
    >>> mentor.meet(Trainee(network, labels, lambda rows: inputs[rows]))
    >>> losses, logits, rows = torch.ones(4), torch.zeros(4, 2), torch.arange(4)
    >>> mentor.weigh(Observation(losses, logits, labels, rows, progress=0.0, inputs=inputs))  # the third does not help
    tensor([0.7407, 1.1852, 0.0000, 2.0000])
    """

    uses_trusted = needs_trusted = True
    doubts = False  # a row that is learned already helps nobody

    def __init__(self, *, n_trusted_per_step: int = 128) -> None:
        self.n_trusted_per_step = n_trusted_per_step

    def check_parameters(self) -> Self:
        """See :meth:`Mentor.check_parameters`."""
        check_count("n_trusted_per_step", self.n_trusted_per_step, 2)
        return self

    def tell(self, right_labels: Tensor | None, groups: Tensor | None) -> None:
        """See :meth:`Mentor.tell`.

        Raises
        ------
        InvalidDataError
            If no right label is known.
        """
        rows = known_rows(right_labels, "learning_to_reweight")
        assert right_labels is not None
        self.trusted_ = rows, right_labels[rows]

    def start(self, n_samples: int, n_classes: int, generator: torch.Generator) -> None:
        """See :meth:`Mentor.start`."""
        self.generator_ = generator
        self.trusted_loss_ = torch.full((), torch.nan, device=generator.device)
        self.has_forward_mode_ = True

    def meet(self, trainee: Trainee) -> None:
        """See :meth:`Mentor.meet`; takes the inputs of the trusted rows."""
        _load_forward_mode()
        self.module_ = trainee.module
        self.dropouts_ = [layer for layer in trainee.module.modules() if isinstance(layer, _DropoutNd)]
        rows, labels = self.trusted_
        most = min(_MOST_ROWS, _MOST_NUMBERS // max(trainee.inputs(rows[:1]).numel(), 1))
        if len(rows) > most:
            chosen = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))[: max(most, 2)]
            chosen = chosen.sort().values.to(rows.device)
            rows, labels = rows[chosen], labels[chosen]
        elif len(rows) == 1:  # of which batch normalisation could take no moments
            rows, labels = rows.repeat(2), labels.repeat(2)
        self.labels_, self.inputs_ = labels, trainee.inputs(rows)

    def weigh(self, seen: Observation) -> Tensor:
        """See :meth:`Mentor.weigh`; in [0, 2]."""
        assert seen.inputs is not None
        weights = alignment_weights(self.alignment(seen.inputs, seen.labels), seen.sample_weight)
        n_rows = len(weights) if seen.sample_weight is None else seen.sample_weight.sum()
        return (n_rows * weights).clamp_max(_MOST_WEIGHT)

    def alignment(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """Return the inner product of each row's gradient with that of a batch of trusted rows, which it draws, (B,).

        Parameters
        ----------
        inputs : Tensor of shape (B, ...)
        labels : Tensor of shape (B,)

        Raises
        ------
        InvalidParameterError
            If the network holds an operation that can be differentiated only once.
        """
        at = {name: value.detach() for name, value in self.module_.named_parameters() if value.requires_grad}
        trusted = self._trusted_batch()
        with self._passes():
            direction, loss = grad_and_value(lambda parameters: self._losses(parameters, *trusted).mean())(at)
            direction = {name: slope.to_dense() if slope.is_sparse else slope for name, slope in direction.items()}
            slopes = self._slopes(lambda parameters: self._losses(parameters, inputs, labels), at, direction)
        self.trusted_loss_.copy_(loss)
        return slopes

    def _trusted_batch(self) -> tuple[Tensor, Tensor]:
        """Return inputs and right labels of some trusted rows."""
        n_rows, n_drawn, device = len(self.labels_), self.n_trusted_per_step, self.generator_.device
        if n_rows <= n_drawn:
            return self.inputs_, self.labels_
        drawn = torch.randperm(n_rows, generator=self.generator_, device=device)[:n_drawn]
        return self.inputs_[drawn], self.labels_[drawn]

    def _losses(self, parameters: Parameters, inputs: Tensor, labels: Tensor) -> Tensor:
        """Return the losses of some rows (n,) as a function of the parameters; the buffers stay as they are."""
        buffers = {name: buffer.clone() for name, buffer in self.module_.named_buffers()}
        logits = functional_call(self.module_, (parameters, buffers), (inputs,))
        return cross_entropy(logits.float(), labels, reduction="none")

    def _slopes(self, losses_at: Callable[[Parameters], Tensor], at: Parameters, direction: Parameters) -> Tensor:
        """Return how fast losses grow (B,) if the parameters move in a direction."""
        if self.has_forward_mode_:
            try:
                slopes: Tensor = jvp(losses_at, (at,), (direction,))[1]
                return slopes
            except NotImplementedError:
                self.has_forward_mode_ = False
        try:
            return _slopes_by_two_backward_passes(losses_at, at, direction)
        except RuntimeError as error:
            if "not implemented" not in str(error):
                raise
            raise InvalidParameterError(
                "'student' holds an operation that can be differentiated only once, and the curriculum "
                f"'learning_to_reweight' does so twice: {error}. Use another student, or another curriculum such as "
                "'data_driven'."
            ) from error

    @contextmanager
    def _passes(self) -> Iterator[None]:
        """Make passes without drop-out, and with attention in operations that can be differentiated twice."""
        active = [layer for layer in self.dropouts_ if layer.training]
        for layer in active:
            layer.training = False
        try:
            with sdpa_kernel(SDPBackend.MATH):
                yield
        finally:
            for layer in active:
                layer.training = True

    def metrics(self) -> dict[str, float]:
        """Return the loss of the trusted rows of the last step."""
        return {"trusted_loss": float(self.trusted_loss_)}

    def state_dict(self) -> dict[str, Any]:
        """See :meth:`Mentor.state_dict`."""
        return {"trusted_loss": self.trusted_loss_, "generator": self.generator_.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See :meth:`Mentor.load_state_dict`."""
        self.trusted_loss_.copy_(state["trusted_loss"])
        self.generator_.set_state(state["generator"].cpu())


def _load_forward_mode() -> None:
    """Let torch load its rules of forward mode, which warns of torch's own code at the first use."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        jvp(torch.sin, (torch.zeros(()),), (torch.ones(()),))


def _slopes_by_two_backward_passes(
    losses_at: Callable[[Parameters], Tensor], at: Parameters, direction: Parameters
) -> Tensor:
    """Return how fast losses grow in a direction: the derivative, by their shares, of the total's slope."""
    transposed: Any = vjp(losses_at, at)  # torch's types expect a third part
    losses, gradient = transposed

    def slope(shares: Tensor) -> Tensor:
        (of_total,) = gradient(shares)
        return torch.stack([(of_total[name].to_dense() * step).sum() for name, step in direction.items()]).sum()

    slopes: Tensor = grad(slope)(torch.zeros_like(losses))
    return slopes
