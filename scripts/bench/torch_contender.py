"""PyTorch's side of a comparison: the protocol of contender.mjs. torch_contender.py VARIANT MODEL BATCH THREADS"""
import json, os, sys, time

variant, model_name, batch, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
import numpy as np
import torch
from torch import nn
import torch.nn.functional as F

torch.set_num_threads(threads)
torch.manual_seed(0)
layout = torch.contiguous_format if "nchw" in variant else torch.channels_last


def conv(i, o):
    return [nn.Conv2d(i, o, 3), nn.ReLU(), nn.MaxPool2d(2)]


model = nn.Sequential(*{
    "cnn": [*conv(1, 32), *conv(32, 64), nn.Flatten(), nn.Linear(1600, 10)],
    "mlp": [nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)],
}[model_name]).to(memory_format=layout)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)

data = os.environ["MNIST_DIR"]
count = min(200, 60000 // batch) * batch
images = np.fromfile(f"{data}/train-images-idx3-ubyte", "uint8")[16:].reshape(-1, 1, 28, 28)[:count].astype("float32") / 255
labels = np.fromfile(f"{data}/train-labels-idx1-ubyte", "uint8")[8:][:count].astype("int64")
batches = [(torch.from_numpy(images[i:i + batch]).contiguous(memory_format=layout), torch.from_numpy(labels[i:i + batch]))
           for i in range(0, count, batch)]


def forward(x, y):
    return F.cross_entropy(model(x), y)


if "compile" in variant:
    forward = torch.compile(forward)


def steps(n):
    ms = []
    for i in range(n):
        x, y = batches[steps.at % len(batches)]
        steps.at += 1
        start = time.perf_counter()
        loss = forward(x, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()
        ms.append((time.perf_counter() - start) * 1e3)
    return ms


steps.at = 0
steps(50)
print(json.dumps({"ready": f"PyTorch {torch.__version__} {variant}"}), flush=True)
for line in sys.stdin:
    print(json.dumps({"ms": steps(int(line))}), flush=True)
