"""What a row's true class may be, from what a network believes of it and the label that it was given."""

import torch
from torch import Tensor

_TINY = 1e-9


def unmix(beliefs: Tensor, matrix: Tensor, n_steps: int = 20) -> Tensor:
    """Turn the probabilities of the given labels into those of the true classes.

    A network that learns from wrong labels comes to say how likely each *label* is: of a sure row of class i, row i of
    the matrix. Each step of expectation-maximisation makes it likelier that such labels come from these classes.

    Parameters
    ----------
    beliefs : Tensor of shape (n, C)
        Probabilities of the labels.
    matrix : Tensor of shape (C, C)
        ``matrix[i, j]`` is the probability that a row of class i is labelled j.
    n_steps : int, default=20

    Returns
    -------
    Tensor of shape (n, C)
        Probabilities of the classes. ``beliefs`` itself, where the matrix is the identity.

    References
    ----------
    Richardson, "Bayesian-based iterative method of image restoration", JOSA 1972.

    Examples
    --------
    >>> matrix = torch.tensor([[0.6, 0.4], [0.0, 1.0]])
    >>> unmix(torch.tensor([[0.6, 0.4]]), matrix)
    tensor([[0.9692, 0.0308]])
    """
    classes = beliefs.clamp_min(_TINY)
    for _ in range(n_steps):
        classes = classes * ((beliefs / (classes @ matrix).clamp_min(_TINY)) @ matrix.T)
        classes = classes / classes.sum(1, keepdim=True).clamp_min(_TINY)
    return classes


def label_posteriors(beliefs: Tensor, likelihood: Tensor, looks: Tensor | float = 1.0) -> Tensor:
    """Return how likely each class is, given what the network believes and which label the row has.

    Bayes' rule, if ``looks`` is 1: in proportion to ``beliefs ** looks * likelihood``. Where no label is wrong the
    likelihood leaves the given class alone, whatever the network believes; where any label is as likely, the network
    alone counts.

    Parameters
    ----------
    beliefs : Tensor of shape (B, C)
        Class probabilities.
    likelihood : Tensor of shape (B, C)
        Probability that a row of each class gets the label that it has: ``matrix[:, labels].T``.
    looks : float or Tensor of shape (), default=1
        As how many looks at the row the beliefs count, against the one at its label.

    Returns
    -------
    Tensor of shape (B, C)
        Rows sum to 1; a row to which nothing gives a chance is as its likelihood.

    Examples
    --------
    >>> beliefs, matrix = torch.tensor([[0.75, 0.25]]), torch.tensor([[0.5, 0.5], [0.25, 0.75]])
    >>> label_posteriors(beliefs, matrix[:, [1]].T)  # labelled 1, but believed to be 0
    tensor([[0.6667, 0.3333]])
    """
    posterior = beliefs**looks * likelihood
    total = posterior.sum(1, keepdim=True)
    unlikely = likelihood / likelihood.sum(1, keepdim=True).clamp_min(_TINY)
    return torch.where(total > _TINY, posterior / total.clamp_min(_TINY), unlikely)
