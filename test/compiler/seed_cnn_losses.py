"""Writes seed-cnn-losses.json: the losses of 100 training steps of the seed CNN in PyTorch by double precision, and the
first step's gradients. Run by hand: python seed_cnn_losses.py FOLDER_OF_MNIST

"tfjs" are the losses, exact but for one thing: as in TensorFlow.js the powers of Adam's betas are rounded to
single precision, which makes 1 - 0.999 ** t of the first steps wrong in the fifth digit. "apart" tells how much they change,
relatively, when the first weights are rounded otherwise."""
import json, sys
from pathlib import Path
import numpy as np
import torch
import torch.nn.functional as F

folder = Path(sys.argv[1])
images = np.fromfile(folder / "train-images-idx3-ubyte", "uint8")[16:].reshape(-1, 1, 28, 28)[:3200]
labels = torch.from_numpy(np.fromfile(folder / "train-labels-idx1-ubyte", "uint8")[8:][:3200].astype("int64"))
shapes = [[3, 3, 1, 32], [32], [3, 3, 32, 64], [64], [1600, 10], [10]]  # of tf.layers: HWIO, [in, out]


def weight(index, shape):
    """As in the test: a fixed pattern between -a and a, where a is Glorot's limit, 0.1 for a bias."""
    n = int(np.prod(shape))
    fans = (shape[-2] + shape[-1]) * int(np.prod(shape[:-2])) if len(shape) > 1 else 600
    pattern = (np.arange(n, dtype=np.int64) * 7919 + index * 104729) % 10007
    return ((pattern / 5003.0 - 1) * np.sqrt(6 / fans)).astype("float32").reshape(shape)


class TfjsAdam:
    """Adam with powers of beta as TensorFlow.js has them."""

    def __init__(self, parameters):
        self.parameters, self.steps = parameters, 0
        self.slots = [(torch.zeros_like(p), torch.zeros_like(p)) for p in parameters]

    def zero_grad(self):
        for p in self.parameters:
            p.grad = None

    @torch.no_grad()
    def step(self):
        self.steps += 1
        first, second = (1 - float(np.float32(np.float64(beta) ** self.steps)) for beta in (0.9, 0.999))
        for p, (m, v) in zip(self.parameters, self.slots):
            m.mul_(0.9).add_(p.grad, alpha=0.1)
            v.mul_(0.999).addcmul_(p.grad, p.grad, value=0.001)
            p.sub_(1e-3 * (m / first) / ((v / second).sqrt() + 1e-7))


def train(noise=None, dtype=torch.float64):
    weights = [torch.from_numpy(weight(i, s)).to(dtype) for i, s in enumerate(shapes)]
    if noise is not None:
        weights = [w * (1 + 2**-24 * (2 * torch.rand(w.shape, dtype=dtype, generator=noise) - 1)) for w in weights]
    conv1, bias1, conv2, bias2, dense, bias3 = parameters = [
        w.permute(3, 2, 0, 1).contiguous().requires_grad_() if w.dim() == 4 else w.clone().requires_grad_() for w in weights
    ]
    optimizer = TfjsAdam(parameters)
    losses, gradients = [], []
    for step in range(100):
        x = torch.from_numpy(images[step * 32:step * 32 + 32].astype("float32") / np.float32(255)).to(dtype)
        x = F.max_pool2d(F.relu(F.conv2d(x, conv1, bias1)), 2)
        x = F.max_pool2d(F.relu(F.conv2d(x, conv2, bias2)), 2)
        out = x.permute(0, 2, 3, 1).flatten(1) @ dense + bias3  # flattened as NHWC
        loss = F.cross_entropy(out, labels[step * 32:step * 32 + 32])
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            gradients = [conv1.grad.permute(2, 3, 1, 0).flatten().tolist(), bias2.grad.tolist(), bias3.grad.tolist()]
        optimizer.step()
        losses.append(loss.item())
    return losses, gradients


tfjs, gradients = train()
# How far the rounding of the first weights alone leads astray: the most of ten, at each step.
apart = [0.0] * 100
for seed in range(10):
    losses, _ = train(torch.Generator().manual_seed(seed))
    apart = [max(a, abs(x / y - 1)) for a, x, y in zip(apart, losses, tfjs)]
result = {"tfjs": tfjs, "apart": apart, "gradients": dict(zip(["conv1", "bias2", "bias3"], gradients))}
Path(__file__).with_name("seed-cnn-losses.json").write_text(json.dumps(result) + "\n")
