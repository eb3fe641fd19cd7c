"""Two processes that train together, without Ray: started once, they fit what they are given, in step."""

import traceback
from multiprocessing import get_context

import torch
import torch.distributed as dist

from noisylabel.distributed import in_group


class Pair:
    """Two processes of one group of ``torch.distributed``.

    Parameters
    ----------
    folder : Path
        Where they find each other.
    """

    def __init__(self, folder):
        context = get_context("spawn")
        self._ends, processes = [], []
        for rank in range(2):
            here, there = context.Pipe()
            self._ends.append(here)
            processes.append(context.Process(target=_serve, args=(rank, f"file://{folder}/meet", there), daemon=True))
        for process in processes:
            process.start()

    def call(self, function, *args):
        """Return what each of the two returns, or raise what the first raises."""
        for end in self._ends:
            end.send((function, args))
        results = [end.recv() for end in self._ends]
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return results

    def fit(self, clf, *data):
        """Return the classifier as each of them has fitted it."""
        return self.call(_fit, clf, *data)

    def close(self):
        for end in self._ends:
            end.send(None)


def _fit(clf, *data):
    return clf.fit(*data)


def _serve(rank, address, end):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=address, rank=rank, world_size=2)
    while (order := end.recv()) is not None:
        function, args = order
        try:
            with in_group():
                end.send(function(*args))
        except BaseException as error:
            traceback.print_exc()
            end.send(error)
