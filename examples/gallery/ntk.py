"""How a step of gradient descent on one sample changes the prediction for another: the empirical tangent kernel."""

import torch
from torch import Tensor, nn


def softmax_jacobian(proba: Tensor) -> Tensor:
    """Return the derivative ``diag(q) - q q^T`` of class probabilities q by their logits.

    It is symmetric, has no negative eigenvalue, and has the trace ``1 - ||q||^2``.

    Parameters
    ----------
    proba : Tensor of shape (C,)
        Class probabilities.

    Returns
    -------
    Tensor of shape (C, C)

    Examples
    --------
    >>> import torch
    >>> softmax_jacobian(torch.tensor([0.5, 0.5]))
    tensor([[ 0.2500, -0.2500],
            [-0.2500,  0.2500]])
    """
    return torch.diag(proba) - torch.outer(proba, proba)


def empirical_ntk(module: nn.Module, x_o: Tensor, x_u: Tensor) -> Tensor:
    """Return the tangent kernel ``J(x_o) J(x_u)^T`` of a network between two samples.

    J is the derivative of the logits of one sample by all parameters that are trained. It takes C times the memory of
    the parameters.

    Parameters
    ----------
    module : nn.Module
        From a batch of samples to logits; in evaluation mode if it has batch norm or dropout.
    x_o, x_u : Tensor
        Two samples, without the axis of a batch.

    Returns
    -------
    Tensor of shape (C, C)

    Examples
    --------
    >>> import torch
    >>> empirical_ntk(torch.nn.Linear(2, 2, bias=False), torch.tensor([1.0, 1.0]), torch.tensor([1.0, -0.5]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.5000]])
    """
    parameters = {name: value.detach() for name, value in module.named_parameters() if value.requires_grad}

    def jacobian(x: Tensor) -> Tensor:
        def logits(values: dict[str, Tensor]) -> Tensor:
            return torch.func.functional_call(module, values, (x[None],))[0]

        parts = torch.func.jacrev(logits)(parameters).values()
        return torch.cat([part.flatten(1) for part in parts], dim=1)

    return jacobian(x_o) @ jacobian(x_u).T


def predicted_step(module: nn.Module, x_o: Tensor, x_u: Tensor, target_proba: Tensor, lr: float) -> Tensor:
    """Predict how one step of SGD on ``x_u`` changes the probabilities of ``x_o``, to first order in the learning rate.

    The prediction is ``lr * A(x_o) K(x_o, x_u) (p_tar - q(x_u))``, where q are the probabilities before the step, A is
    ``softmax_jacobian`` and K is ``empirical_ntk``. Its error shrinks as the square of the learning rate.

    Parameters
    ----------
    module : nn.Module
        See ``empirical_ntk``.
    x_o : Tensor
        The sample that is observed.
    x_u : Tensor
        The sample that is learned, with cross entropy.
    target_proba : Tensor of shape (C,)
        Target of ``x_u``; a one-hot label, or probabilities.
    lr : float in (0, inf)
        Learning rate.

    Returns
    -------
    Tensor of shape (C,)
        The change; it sums to 0.

    References
    ----------
    Ren, Guo, Sutherland, ICLR 2022, Proposition 1, checked numerically in ``tests/test_gallery.py``.

    Examples
    --------
    >>> import torch
    >>> module = torch.nn.Linear(2, 3, bias=False)
    >>> _ = torch.nn.init.zeros_(module.weight)
    >>> label = torch.tensor([0.0, 1.0, 0.0])
    >>> predicted_step(module, torch.tensor([1.0, 1.0]), torch.tensor([1.0, -0.5]), label, lr=0.1)
    tensor([-0.0056,  0.0111, -0.0056])
    """
    with torch.no_grad():
        proba_o, proba_u = (module(x[None])[0].softmax(0) for x in (x_o, x_u))
    return lr * softmax_jacobian(proba_o) @ empirical_ntk(module, x_o, x_u) @ (target_proba - proba_u)
