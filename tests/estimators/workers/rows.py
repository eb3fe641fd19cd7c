"""A Dataset of samples that are looked up one by one."""

from torch.utils.data import Dataset


class Rows(Dataset):
    def __init__(self, X):
        self.X = X

    def __len__(self):
        return len(self.X)

    def __getitem__(self, row):
        return self.X[row]
