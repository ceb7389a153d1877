"""PyTorch: eager or compiled, in memory, fused Adam. Variants: nhwc, nchw, compile."""
from contender import batch, images, model_name, serve, threads, variant, what
import torch
from torch import nn
import torch.nn.functional as F

torch.set_num_threads(threads)
torch.manual_seed(0)
layout = torch.contiguous_format if "nchw" in variant else torch.channels_last


def conv(i, o, padding=0):
    return [nn.Conv2d(i, o, 3, padding=padding), nn.ReLU()]


def normalised(*layers):
    return [part for layer in layers for part in (layer, nn.BatchNorm2d(layer.out_channels, 1e-3, .01), nn.ReLU())]


class ResNet8(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(*normalised(nn.Conv2d(3, 16, 3, padding=1, bias=False)))
        self.stacks, self.skips = nn.ModuleList(), nn.ModuleList()
        for i, o, stride in (16, 16, 1), (16, 32, 2), (32, 64, 2):
            convs = nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.Conv2d(o, o, 3, padding=1, bias=False)
            self.stacks.append(nn.Sequential(*normalised(*convs)[:-1]))
            self.skips.append(nn.Identity() if stride == 1 else nn.Conv2d(i, o, 1, stride, bias=False))
        self.last = nn.Linear(64, 10)

    def forward(self, x):
        x = self.first(x)
        for stack, skip in zip(self.stacks, self.skips):
            x = F.relu(stack(x) + skip(x))
        return self.last(x.mean((2, 3)))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        two = lambda i, o: nn.Sequential(*conv(i, o, 1), *conv(o, o, 1))
        self.down = nn.ModuleList([two(1, 16), two(16, 32)])
        self.middle = two(32, 64)
        self.larger = nn.ModuleList([nn.ConvTranspose2d(64, 32, 2, 2), nn.ConvTranspose2d(32, 16, 2, 2)])
        self.up = nn.ModuleList([two(64, 32), two(32, 16)])
        self.last = nn.Conv2d(16, 1, 1)

    def forward(self, x):
        skips = []
        for down in self.down:
            x = down(x)
            skips.append(x)
            x = F.max_pool2d(x, 2)
        x = self.middle(x)
        for larger, up in zip(self.larger, self.up):
            x = up(torch.cat([larger(x), skips.pop()], 1))
        return self.last(x)


class LSTM(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.last = nn.LSTM(40, 128, batch_first=True), nn.Linear(128, 10)

    def forward(self, x):
        return self.last(self.lstm(x)[0][:, -1])


def mobilenet():
    layers, i = [nn.Conv2d(3, 32, 3, padding=1, bias=False)], 32
    for o, stride in (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1):
        layers += [nn.Conv2d(i, i, 3, stride, 1, groups=i, bias=False), nn.Conv2d(i, o, 1, bias=False)]
        i = o
    return nn.Sequential(*normalised(*layers), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(i, 10))


pool, flat = nn.MaxPool2d(2), nn.Flatten()
model = {
    "cnn": lambda: nn.Sequential(*conv(1, 32), pool, *conv(32, 64), pool, flat, nn.Linear(1600, 10)),
    "mlp": lambda: nn.Sequential(flat, nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)),
    "wide": lambda: nn.Sequential(
        *conv(3, 64, 1), *conv(64, 64, 1), pool, *conv(64, 128, 1), *conv(128, 128, 1), pool, flat,
        nn.Linear(8192, 256), nn.ReLU(), nn.Dropout(.5), nn.Linear(256, 10)),
    "resnet8": ResNet8,
    "mobilenet": mobilenet,
    "unet": UNet,
    "lstm": LSTM,
}[model_name]().to(memory_format=layout)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
x, y = images()
if x.ndim == 3:
    layout = torch.contiguous_format
nchw = lambda images: (torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(memory_format=layout)
                       if images.ndim == 4 else torch.from_numpy(images))
x, y = nchw(x), nchw(y) if y.ndim == 4 else torch.from_numpy(y)
loss_of = F.binary_cross_entropy_with_logits if model_name == "unet" else F.cross_entropy


def forward(x, y):
    out = model(x)
    return loss_of(out, y), out


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
        if y.ndim == 1:
            right += (out.argmax(1) == y[i]).sum()
    return loss_sum.item(), right.item()


count = min(200, len(x) // batch) * batch
batches = [(x[i:i + batch].contiguous(memory_format=layout), y[i:i + batch]) for i in range(0, count, batch)]
rows = x[:1 if what == "predict-one" else 10000].contiguous(memory_format=layout)
infer = torch.compile(model) if "compile" in variant else model


def forward_only():
    model.eval()
    with torch.inference_mode():
        torch.cat([infer(part).softmax(1) for part in rows.split(batch)]).numpy()


serve(f"PyTorch {torch.__version__} {variant}", lambda b: train(*b)[0].item(), epoch, batches, forward_only)
