"""Learning paths: how the class probabilities of a sample move while a network trains.

A path is the sequence ``q[0], ..., q[T - 1]`` of the network's class probabilities for one sample, at T points of
training. Where the true probabilities are known, they are called p*.
"""

import torch
from torch import Tensor


def base_difficulty(target_proba: Tensor, labels: Tensor) -> Tensor:
    """Distance ``||e_y - p*||`` of each given label, as a one-hot vector, from the true probabilities.

    It is large for samples between classes and for wrong labels, and does not depend on a network.

    Parameters
    ----------
    target_proba : Tensor of shape (N, C)
        True class probabilities.
    labels : Tensor of shape (N,)
        Codes of the given labels.

    Returns
    -------
    Tensor of shape (N,)
        In [0, sqrt(2)].

    References
    ----------
    Ren, Guo, Sutherland, "Better supervisory signals by observing learning paths", ICLR 2022.

    Examples
    --------
    >>> import torch
    >>> base_difficulty(torch.tensor([[0.6, 0.3, 0.1], [0.6, 0.3, 0.1]]), torch.tensor([0, 2]))
    tensor([0.5099, 1.1225])
    """
    one_hot = torch.nn.functional.one_hot(labels, target_proba.shape[-1]).to(target_proba.dtype)
    return (one_hot - target_proba).norm(dim=-1)


def label_probability(paths: Tensor, labels: Tensor) -> Tensor:
    """Probability of the given label at each point of each path.

    Parameters
    ----------
    paths : Tensor of shape (T, N, C)
        Class probabilities.
    labels : Tensor of shape (N,)
        Codes of the given labels.

    Returns
    -------
    Tensor of shape (T, N)
        In [0, 1].
    """
    return paths[:, torch.arange(paths.shape[1], device=paths.device), labels]


def converged_difficulty(paths: Tensor, labels: Tensor) -> Tensor:
    """Probability of the given label at the end of training; the lower, the harder the sample.

    Parameters
    ----------
    paths : Tensor of shape (T, N, C)
        Class probabilities.
    labels : Tensor of shape (N,)
        Codes of the given labels.

    Returns
    -------
    Tensor of shape (N,)
        In [0, 1].

    References
    ----------
    Ren, Guo, Sutherland, ICLR 2022.
    """
    return label_probability(paths[-1:], labels)[0]


def integral_difficulty(paths: Tensor, labels: Tensor) -> Tensor:
    """Mean over training of the probability of the given label; the lower, the harder the sample.

    The authors' code has the sum over training, which grows with the number of points. This is the mean.

    Parameters
    ----------
    paths : Tensor of shape (T, N, C)
        Class probabilities.
    labels : Tensor of shape (N,)
        Codes of the given labels.

    Returns
    -------
    Tensor of shape (N,)
        In [0, 1].

    References
    ----------
    Ren, Guo, Sutherland, ICLR 2022.

    Examples
    --------
    >>> import torch
    >>> path = torch.tensor([[0.2, 0.6, 0.2], [0.3, 0.5, 0.2], [0.7, 0.2, 0.1]])[:, None]
    >>> integral_difficulty(path, torch.tensor([0])), converged_difficulty(path, torch.tensor([0]))
    (tensor([0.4000]), tensor([0.7000]))
    """
    return label_probability(paths, labels).mean(0)


def distance_gap(paths: Tensor, target_proba: Tensor) -> Tensor:
    """Distance ``||q[t] - p*||`` of each point of each path from the true probabilities.

    Parameters
    ----------
    paths : Tensor of shape (T, N, C)
        Class probabilities.
    target_proba : Tensor of shape (N, C)
        True class probabilities.

    Returns
    -------
    Tensor of shape (T, N)
        In [0, sqrt(2)].

    References
    ----------
    Ren, Guo, Sutherland, ICLR 2022.
    """
    return (paths - target_proba).norm(dim=-1)


def zig_zag_score(paths: Tensor, labels: Tensor) -> Tensor:
    """Mean over training of the largest probability of a class other than the given label.

    A path that goes straight to its label has a low score. A path that first goes to another class has a high one. The
    paper defines a zig-zag score in its appendix, but its code has none. This formula follows our memory of the paper
    (Ren et al. 2022) and is not quoted from it.

    Parameters
    ----------
    paths : Tensor of shape (T, N, C)
        Class probabilities.
    labels : Tensor of shape (N,)
        Codes of the given labels.

    Returns
    -------
    Tensor of shape (N,)
        In [0, 1].

    Examples
    --------
    >>> import torch
    >>> straight = torch.tensor([[1 / 3, 1 / 3, 1 / 3], [0.5, 0.25, 0.25], [0.7, 0.15, 0.15], [0.9, 0.05, 0.05]])
    >>> zig_zag_score(straight[:, None], torch.tensor([0]))
    tensor([0.1958])
    """
    return _other_classes(paths, labels).amax(-1).mean(0)


def _other_classes(paths: Tensor, labels: Tensor) -> Tensor:
    """Return the paths with the probability of the given label set to 0."""
    is_label = torch.nn.functional.one_hot(labels, paths.shape[-1]).bool()
    return paths.masked_fill(is_label, 0.0)


def tortuosity(paths: Tensor) -> Tensor:
    """Length of each path, divided by the distance between its ends.

    This is our own measure, not the paper's zig-zag score. It is infinite for a path that ends where it began, and NaN
    for one that never moved.

    Parameters
    ----------
    paths : Tensor of shape (T, N, C)
        Class probabilities.

    Returns
    -------
    Tensor of shape (N,)
        At least 1, which is a straight line.

    Examples
    --------
    >>> import torch
    >>> tortuosity(torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])[:, None])
    tensor([3.])
    """
    return paths.diff(dim=0).norm(dim=-1).sum(0) / (paths[-1] - paths[0]).norm(dim=-1)


def first_visit(paths: Tensor, labels: Tensor) -> Tensor:
    """First point of each path at which a class is the most probable one.

    Parameters
    ----------
    paths : Tensor of shape (T, N, C)
        Class probabilities.
    labels : Tensor of shape (N,)
        The class of each sample to look for: its given label, or the right one.

    Returns
    -------
    Tensor of shape (N,)
        int64, from 0; T if the class never is the most probable one.

    Examples
    --------
    >>> import torch
    >>> path = torch.tensor([[0.2, 0.6, 0.2], [0.3, 0.5, 0.2], [0.7, 0.2, 0.1]])[:, None]
    >>> [first_visit(path, torch.tensor([label])).item() for label in range(3)]
    [2, 0, 3]
    """
    is_there = paths.argmax(-1) == labels
    never = torch.ones_like(is_there[:1])  # a last point that always counts
    return torch.cat([is_there, never]).to(torch.uint8).argmax(0)
