"""MentorNet's network: its cell against torch's LSTM and hand-computed numbers, its size, its inputs."""

import pytest
import torch

from noisylabel.curricula import MentorNet, MentorNetwork, SelfPaced
from noisylabel.exceptions import InvalidDataError


def network(**options):
    return MentorNetwork(**options, generator=torch.Generator().manual_seed(0))


def test_size():
    sizes = {name: value.numel() for name, value in network().named_parameters()}
    assert sizes.pop("epoch_embedding") == 500
    assert sum(sizes.values()) == 257


def test_one_step_of_the_cell_has_the_known_value():
    net = network()
    with torch.no_grad():  # gates in the order input, forget, candidate, output
        net.cell_kernel[:] = torch.tensor([[0.5, 0, -0.3, 0.1], [0.2, 0, 0.4, 0.2], [0, 0, 0, 0]])
    states = net.cell_states(torch.tensor([[[1.0, -0.5]]]))
    assert states.tolist() == [pytest.approx([-0.276664, -0.276664], abs=1e-6)]
    hidden = torch.tensor(0.1 * 1 + 0.2 * -0.5).sigmoid() * states[0, 0].tanh()
    assert hidden.item() == pytest.approx(-0.134907, abs=1e-6)


@pytest.mark.parametrize("history_length", [1, 2, 7])
def test_cell_is_torch_lstm(history_length):
    net = network(history_length=history_length)
    with torch.no_grad():
        net.cell_bias.uniform_(-1, 1, generator=torch.Generator().manual_seed(1))
    lstm = torch.nn.LSTM(2, 1, bidirectional=True, batch_first=True)
    with torch.no_grad():
        for direction, suffix in enumerate(("", "_reverse")):
            kernel, bias = net.cell_kernel[direction], net.cell_bias[direction, 0]
            getattr(lstm, f"weight_ih_l0{suffix}").copy_(kernel[:2].T)
            getattr(lstm, f"weight_hh_l0{suffix}").copy_(kernel[2:].T)
            getattr(lstm, f"bias_ih_l0{suffix}").copy_(bias)
            getattr(lstm, f"bias_hh_l0{suffix}").zero_()
    inputs = torch.randn(5, history_length, 2, generator=torch.Generator().manual_seed(2))
    _, (_, last_cells) = lstm(inputs)
    torch.testing.assert_close(net.cell_states(inputs), last_cells.squeeze(2).T)


def test_output_adds_its_bias_once():
    """The released code adds it to the kernel: .12 instead of .3 for h=(.5,-.2,.1), W=(1,2,-1), b=.3."""
    net = network()
    hidden, kernel, bias = torch.tensor([[0.5, -0.2, 0.1]]), torch.tensor([[1.0], [2.0], [-1.0]]), torch.tensor([0.3])
    with torch.no_grad():
        net.hidden_kernel.zero_()
        net.hidden_bias.zero_()
        net.hidden_bias[:3] = hidden.atanh()
        net.output_kernel[:3], net.output_kernel[3:] = kernel, 0
        net.output_bias[:] = bias
    logit = net(torch.ones(1, 1), torch.ones(1, 1), torch.zeros(1).long(), torch.tensor([3]))
    assert logit.item() == pytest.approx(0.3, abs=1e-6)


def test_epoch_percent_and_label_matter_only_where_they_should():
    loss = torch.tensor([0.5, 2.0])
    mentornet = MentorNet(network())
    with_labels = MentorNet(network(use_label=True))
    zeros, ones = torch.zeros(2).long(), torch.ones(2).long()
    assert not torch.equal(mentornet.weights(loss, loss, zeros, 10), mentornet.weights(loss, loss, zeros, 80))
    assert torch.equal(mentornet.weights(loss, loss, zeros, 10), mentornet.weights(loss, loss, 50 + ones, 10))
    assert not torch.equal(with_labels.weights(loss, loss, zeros, 10), with_labels.weights(loss, loss, ones, 10))
    with pytest.raises(InvalidDataError, match="learned with 2 classes.*class 2"):
        with_labels.weights(loss, loss, 2 * ones, 10)


def test_no_gradient_leaves_a_mentornet():
    loss = torch.tensor([0.5, 2.0], requires_grad=True)
    assert not MentorNet(network()).weights(loss, loss, torch.zeros(2), 10).requires_grad


def test_it_fits_where_curricula_do():
    from sklearn.base import clone

    from noisylabel import MentorNetClassifier

    mentornet = MentorNet(network(), {"name": "mine"})
    clf = MentorNetClassifier(mentornet, lr=0.1)
    assert clone(clf).curriculum.network is mentornet.network
    assert "lr=0.1" in repr(clf)
    assert SelfPaced().history_length == 1


def test_another_device_gets_a_copy_and_the_original_stays():
    mentornet = MentorNet(network())
    there = torch.ones(2, device="meta")
    assert mentornet.weights(there, there, there, 10).device.type == "meta"
    assert mentornet.network.output_bias.device.type == "cpu"
    assert mentornet.to(torch.device("cpu")) is mentornet
