"""Every member of every family keeps its family's contract."""

import pytest
import torch

from noisylabel.curricula import CURRICULA, CallableCurriculum, DataDriven, SelfPaced, resolve_curriculum
from noisylabel.losses import LOSSES, CallableLoss, ForwardCorrection
from noisylabel.mentors import MENTORS, NAMED, Observation
from noisylabel.noise import NOISES
from noisylabel.students import STUDENTS, resolve_student
from noisylabel.testing import check_curriculum, check_loss, check_noise, check_student

OWN = {"data_driven": {"curriculum": DataDriven()}, "label_posterior": {}}


@pytest.mark.parametrize("name", sorted(MENTORS.keys() - NAMED.keys()))  # of those that go by losses
def test_mentors(name):
    mentor = MENTORS[name](**OWN.get(name, {"curriculum": SelfPaced()}))
    classes = torch.arange(100) % 2
    labels = torch.where(torch.arange(100) < 80, classes, 1 - classes)  # of the others, whose losses are high, wrong
    logits = 4 * torch.nn.functional.one_hot(classes, 2).float()
    if hasattr(mentor, "listen"):
        noise = torch.rand(1000, 2, generator=torch.Generator().manual_seed(0))
        mentor.listen((logits.repeat(10, 1) + noise).softmax(1), labels.repeat(10))
    mentor.check_parameters().start(100, 2, torch.Generator().manual_seed(0))
    if hasattr(mentor, "teach"):
        mentor.teach((labels == classes).float())
    for progress in (0.0, 0.1, 0.5, 0.99):
        seen = Observation(torch.linspace(0, 3, 100), logits, labels, torch.arange(100), progress)
        weights = mentor.weigh(seen)
        assert weights.shape == (100,)
        assert ((weights >= 0) & (weights <= 1)).all()
    assert weights[:20].mean() > weights[-20:].mean() + 0.5, "low losses must get more weight than high ones"
    assert mentor.metrics()
    assert all(isinstance(value, float) for value in mentor.metrics().values())


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name):
    check_loss(ForwardCorrection(torch.full((3, 3), 0.1) + 0.7 * torch.eye(3)) if name == "forward" else LOSSES[name]())


def test_a_function_is_a_loss():
    check_loss(CallableLoss(lambda logits, codes: -logits.log_softmax(1).gather(1, codes[:, None])[:, 0]))


BIG = {"mentormix_resnet32", "mentornet_resnet101"}


@pytest.mark.parametrize("name", CURRICULA)
def test_curricula(name):
    check_curriculum(CURRICULA[name]())


def test_a_function_is_a_curriculum():
    check_curriculum(CallableCurriculum(lambda loss, loss_diff, label, epoch_percent: (loss_diff < 0).float()))


@pytest.mark.parametrize("name", sorted(set(STUDENTS) - BIG))
def test_students(name):
    check_student(STUDENTS[name](), (3, 32, 32))


def test_mlp_takes_tables_and_images():
    for shape in [(7,), (1, 4, 4), (3, 5)]:
        check_student(STUDENTS["mlp"](), shape)


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 5, 9), (4, 2, 2)])
def test_cnn_takes_small_images(shape):
    check_student(STUDENTS["cnn"](), shape)


@pytest.mark.parametrize(
    ("name", "millions"), [("resnet32", 0.46), ("mentormix_resnet32", 29.4), ("mentornet_resnet101", 84.6)]
)
def test_resnets_have_the_papers_size(name, millions):
    network = STUDENTS[name]().build((3, 32, 32), 10)
    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(millions, rel=0.015)


@pytest.mark.parametrize(
    "name", sorted(set(NOISES) - {"transition", "margin", "human", "asymmetric_cifar10", "ring_cifar100"})
)
def test_noises(name):
    check_noise(NOISES[name](rate=0.3), n_classes=4)


@pytest.mark.parametrize(("name", "n_classes"), [("asymmetric_cifar10", 10), ("ring_cifar100", 100)])
def test_noises_of_one_data_set(name, n_classes):
    check_noise(NOISES[name](rate=0.3), n_classes=n_classes)


def test_unknown_names_get_the_nearest():
    with pytest.raises(ValueError, match="'curriculum' must be one of .* Did you mean 'self_paced'"):
        resolve_curriculum("selfpaced")
    with pytest.raises(ValueError, match="'student' must be one of .* Did you mean 'resnet32'"):
        resolve_student("resnet33", (3, 32, 32))


def test_a_class_instead_of_an_object_is_told_apart():
    with pytest.raises(ValueError, match=r"Pass an object: SelfPaced\(\)"):
        resolve_curriculum(CURRICULA["self_paced"])


@pytest.mark.parametrize("wrong", [None, 3, object()])
def test_wrong_types_are_refused(wrong):
    with pytest.raises(ValueError, match="'curriculum' must be"):
        resolve_curriculum(wrong)
    with pytest.raises(ValueError, match="'student' must be"):
        resolve_student(wrong, (3,))
