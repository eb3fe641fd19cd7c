"""Label noise: models of mistakes, and a manifest that says what they did.

A transition matrix always means ``matrix[i, j] = P(noisy = j | true = i)``.
"""

from noisylabel.noise._asymmetric import AsymmetricCIFAR10Noise, RingCIFAR100Noise
from noisylabel.noise._base import Noise
from noisylabel.noise._corrupt import NOISES, corrupt
from noisylabel.noise._human import HumanNoise
from noisylabel.noise._instance import InstanceNoise, instance_probabilities
from noisylabel.noise._manifest import NoiseManifest, check_noise_rate
from noisylabel.noise._margin import MarginNoise, margin_flip_probability
from noisylabel.noise._pair import PairNoise
from noisylabel.noise._symmetric import SymmetricNoise, exclusive_to_inclusive, inclusive_to_exclusive
from noisylabel.noise._transition import TransitionNoise

__all__ = [
    "NOISES",
    "AsymmetricCIFAR10Noise",
    "HumanNoise",
    "InstanceNoise",
    "MarginNoise",
    "Noise",
    "NoiseManifest",
    "PairNoise",
    "RingCIFAR100Noise",
    "SymmetricNoise",
    "TransitionNoise",
    "check_noise_rate",
    "corrupt",
    "exclusive_to_inclusive",
    "inclusive_to_exclusive",
    "instance_probabilities",
    "margin_flip_probability",
]
