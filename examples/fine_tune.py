"""Fine-tune a pre-trained network on few and noisy labels: from scratch, with a slower body, and with a frozen body.

The pre-trained weights are made here, so that the example needs no download: a network learns ten digits from clean
labels. A file of yours takes its place: Pretrained("timm:resnet18", "resnet18.safetensors").

Run: python examples/fine_tune.py
"""

import tempfile
from pathlib import Path

import numpy as np
import torch

from noisylabel import MentorMixClassifier, MentorNetClassifier, corrupt
from noisylabel.datasets import load_digits
from noisylabel.students import MLP, Pretrained

digits = load_digits()
weights = Path(tempfile.mkdtemp()) / "digits.pt"
pretraining = MentorNetClassifier("uniform", student=MLP(), random_state=0).fit(digits.data[:900], digits.target[:900])
torch.save(pretraining.net_.module_.state_dict(), weights)

holes = np.array(["one", "none", "none", "none", "none", "none", "one", "none", "two", "one"])  # the new task
noisy_y, manifest = corrupt(holes[digits.target[900:]], "symmetric", rate=0.4, random_state=0)
print(manifest.check())

students = {
    "from scratch": MLP(),
    "body at a tenth of the rate": Pretrained(MLP(), weights),
    "body frozen": Pretrained(MLP(), weights, body_lr=0),
}
for name, student in students.items():
    for method in (MentorNetClassifier("uniform"), MentorMixClassifier(loss_percentile=0.7)):
        clf = method.set_params(student=student, lr=0.01, random_state=0).fit(digits.data[900:], noisy_y)
        accuracy = clf.score(digits.test_data, holes[digits.test_target])
        print(f"{name}, {'plain training' if clf.curriculum == 'uniform' else 'MentorMix'}: {accuracy:.3f}")
