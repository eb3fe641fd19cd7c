"""Published numbers: complete, as printed, and refused when they are not."""

import json
from dataclasses import fields

import pytest

from benchmarks.methods import METHODS
from benchmarks.report.reference import FIELDS, PROTOCOL, REFERENCES, Reference, load_references
from noisylabel.exceptions import InvalidFileError


@pytest.fixture(scope="module")
def references():
    return load_references()


def accuracy(references, method, noise, rate=None, dataset="cifar10", **more):
    """Return the only accuracy of a method that fits; ``more`` are other attributes."""
    wanted = {"method": method, "noise": noise, "rate": rate, "dataset": dataset, **more}
    (found,) = [one for one in references if all(getattr(one, name) == value for name, value in wanted.items())]
    return found.accuracy


def test_every_entry_has_all_fields(references):
    entries = json.loads(REFERENCES.read_text(encoding="utf-8"))["entries"]
    assert len(entries) == len(references) > 300
    assert all(set(entry) == set(FIELDS) and set(entry["protocol"]) == set(PROTOCOL) for entry in entries)
    for one in references:
        assert all(
            getattr(one, field.name) is not None for field in fields(Reference) if field.name not in ("rate", "ours")
        )
        assert all(one.source)
        assert one.ours is None or one.ours in METHODS
        assert (one.symmetric == "not applicable") == (one.noise != "symmetric")
        assert one.dataset == one.dataset.lower()


def test_numbers_as_printed(references):
    def of(*args, **more):
        return accuracy(references, *args, **more)

    readme = {"source": ("google/mentornet, README",)}
    assert of("MentorNet-PD", "symmetric", 0.4, **readme) == 77.6
    assert of("MentorNet-DD", "symmetric", 0.8, dataset="cifar100", **readme) == 30.1
    assert of("Cross-entropy", "symmetric", 0.4, dataset="cifar100", **readme) == 44.8
    assert of("MentorMix", "symmetric", 0.8, note="paper") == 81.0
    assert of("MentorMix", "symmetric", 0.8, note="rerun by its authors") == 82.0
    assert of("MentorMix", "symmetric", 0.8, note="PyTorch port by others") == 20.65
    assert of("MentorMix", "symmetric", 0.6, dataset="cifar100", note="paper") == 64.6
    assert of("MentorMix", "web", 0.8, dataset="red_mini_imagenet") == 33.46
    assert of("MentorMix", "web", dataset="webvision") == 74.3
    assert of("ProMix", "asymmetric", 0.4) == 96.59
    assert of("Co-teaching", "pair", 0.45) == 72.85
    assert of("ProMix", "human_cifar100", dataset="cifar100") == 73.79
    assert of("Cross-entropy", "human_worst", epoch="last epoch") == 68.26
    assert of("Cross-entropy", "human_worst", epoch="best test epoch") == 83.91
    assert of("InstanceGM", "instance", 0.5, dataset="cifar100") == 77.19
    assert of("PLS", "web", 0.2, dataset="red_mini_imagenet") == 63.10
    assert of("MentorNet", "symmetric", 0.4, dataset="imagenet") == 65.10


def test_doubts_are_carried_along(references):
    doubtful = [one for one in references if not one.verified]
    assert {(one.dataset, one.method) for one in doubtful} == {
        ("mini_webvision", "Co-teaching"), ("mini_webvision_to_ilsvrc12", "Co-teaching"),
        ("mini_webvision", "MentorNet"), ("mini_webvision_to_ilsvrc12", "MentorNet"),
        ("mini_webvision", "ELR or ELR+"), ("mini_webvision_to_ilsvrc12", "ELR or ELR+"),
        ("mini_webvision", "PGDF"), ("clothing1m", "PGDF"),
        ("red_mini_imagenet", "Cross-entropy"), ("red_mini_imagenet", "PropMix"),
    }  # fmt: skip
    assert all(one.source == ("No source has been found",) for one in doubtful)
    second_hand = {text for one in references if one.second_hand for text in one.source}
    assert all(text.startswith("Notes by others on") for text in second_hand)
    assert len(second_hand) == 8


def changed(**changes):
    return lambda entry: entry | changes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            changed(accuracy=101),
            r"entry 2 \(MentorMix on cifar10\): 'accuracy' must be a number in \(0, 100\]. Got 101",
        ),
        (changed(accuracy="95.6"), "'accuracy' must be a number"),
        (changed(rate=40), r"'rate' must be a number in \(0, 1\], or null. Got 40"),
        (changed(source=["Z"]), "'source' must name keys of 'sources'. Got 'Z'"),
        (changed(source=[]), "'source' must be letters"),
        (changed(protocol={"epoch": "last"}), "'protocol' must be texts for epoch, network, symmetric, backbone"),
        (changed(verified="no"), "'verified' must be true or false"),
        (changed(year=2020), "entry 2 must have exactly dataset, noise"),
        (lambda entry: {k: v for k, v in entry.items() if k != "note"}, "entry 2 must have exactly dataset, noise"),
        (changed(), "MentorMix on cifar10, symmetric 0.2, of the same source and protocol more than once"),
        (changed(accuracy=95.7), "more than once"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path, change, message):
    content = json.loads(REFERENCES.read_text(encoding="utf-8"))
    good = next(entry for entry in content["entries"] if entry["method"] == "MentorMix")
    path = tmp_path / "reference.json"
    path.write_text(json.dumps({"sources": content["sources"], "entries": [good, change(good)]}))
    with pytest.raises(InvalidFileError, match=message):
        load_references(path)


@pytest.mark.parametrize("text", ["{", "[]", '{"entries": []}'])
def test_a_wrong_file_is_named(tmp_path, text):
    path = tmp_path / "reference.json"
    path.write_text(text)
    with pytest.raises(InvalidFileError, match=r"reference\.json must be JSON with 'sources' and 'entries'"):
        load_references(path)
