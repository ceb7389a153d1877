"""PyTorch: eager or compiled, in memory, fused Adam. Variants: nhwc, nchw, compile."""
from contender import batch, images, model_name, serve, threads, variant
import torch
from torch import nn
import torch.nn.functional as F

torch.set_num_threads(threads)
torch.manual_seed(0)
layout = torch.contiguous_format if "nchw" in variant else torch.channels_last


def conv(i, o, padding=0):
    return [nn.Conv2d(i, o, 3, padding=padding), nn.ReLU()]


pool, flat = nn.MaxPool2d(2), nn.Flatten()
model = nn.Sequential(*{
    "cnn": [*conv(1, 32), pool, *conv(32, 64), pool, flat, nn.Linear(1600, 10)],
    "mlp": [flat, nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)],
    "wide": [*conv(3, 64, 1), *conv(64, 64, 1), pool, *conv(64, 128, 1), *conv(128, 128, 1), pool, flat,
             nn.Linear(8192, 256), nn.ReLU(), nn.Dropout(.5), nn.Linear(256, 10)],
}[model_name]).to(memory_format=layout)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
x, y = images()
x, y = torch.from_numpy(x).permute(0, 3, 1, 2).contiguous(memory_format=layout), torch.from_numpy(y)


def forward(x, y):
    out = model(x)
    return F.cross_entropy(out, y), out


if "compile" in variant:
    forward = torch.compile(forward)


def train(x, y):
    loss, out = forward(x, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss, out


def epoch():
    loss_sum, right = torch.zeros(()), torch.zeros((), dtype=torch.long)
    for i in torch.randperm(len(x)).split(batch):
        loss, out = train(x[i], y[i])
        loss_sum += loss.detach()
        right += (out.argmax(1) == y[i]).sum()
    return loss_sum.item(), right.item()


count = min(200, len(x) // batch) * batch
batches = [(x[i:i + batch].contiguous(memory_format=layout), y[i:i + batch]) for i in range(0, count, batch)]
serve(f"PyTorch {torch.__version__} {variant}", lambda b: train(*b)[0].item(), epoch, batches)
