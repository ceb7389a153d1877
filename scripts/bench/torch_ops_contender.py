"""PyTorch's side of single ops: the protocol of ops_contender.mjs. torch_ops_contender.py LAYOUT THREADS CASES_JSON"""
import json, sys, time

layout_name, threads, cases = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
import torch
import torch.nn.functional as F

torch.set_num_threads(threads)
layout = torch.channels_last if layout_name == "nhwc" else torch.contiguous_format
backward = torch.ops.aten.convolution_backward


def images(*shape):
    return torch.randn(*shape).contiguous(memory_format=layout)


def conv(c, groups=1):
    h, w, channels = c["in"]
    k, s = c["kernel"], [c["stride"]] * 2
    x = images(c["batch"], channels, h, w)
    out = c["out"] if groups == 1 else channels
    weight = images(out, channels // (1 if groups == 1 else channels), k, k)
    groups = channels if groups != 1 else 1
    p = [k // 2 if c["pad"] == "same" else 0] * 2
    y = F.conv2d(x, weight, None, s, p, 1, groups)
    dy = torch.randn_like(y)
    if c["pass"] == "forward":
        return lambda: F.conv2d(x, weight, None, s, p, 1, groups)
    wanted = [c["pass"] == "input", c["pass"] == "filter", False]
    return lambda: backward(dy, x, weight, None, s, p, [1, 1], False, [0, 0], groups, wanted)


def pool(c, fn, kind):
    h, w, channels = c["in"]
    k, s = [c["kernel"]] * 2, [c["stride"]] * 2
    x = images(c["batch"], channels, h, w)
    if kind == "max":
        # Training needs the indices.
        y, indices = F.max_pool2d(x, k, s, return_indices=True)
        dy = torch.randn_like(y)
        if c["pass"] == "forward":
            return lambda: F.max_pool2d(x, k, s, return_indices=True)
        return lambda: torch.ops.aten.max_pool2d_with_indices_backward(dy, x, k, s, [0, 0], [1, 1], False, indices)
    y = F.avg_pool2d(x, k, s)
    dy = torch.randn_like(y)
    if c["pass"] == "forward":
        return lambda: F.avg_pool2d(x, k, s)
    return lambda: torch.ops.aten.avg_pool2d_backward(dy, x, k, s, [0, 0], False, True, None)


def matmul(c):
    a = torch.randn(c["k"], c["m"]).t() if c.get("transposeA") else torch.randn(c["m"], c["k"])
    b = torch.randn(c["n"], c["k"]).t() if c.get("transposeB") else torch.randn(c["k"], c["n"])
    return lambda: a @ b


def unary(fn):
    def make(c):
        x = torch.randn(*c["shape"])
        return lambda: fn(x)
    return make


def binary(fn, other=lambda shape: shape):
    def make(c):
        a, b = torch.randn(*c["shape"]), torch.randn(*other(c["shape"]))
        return lambda: fn(a, b)
    return make


def batch_norm(c, training, both_ways=False):
    rows, h, w, channels = c["shape"]
    # Gradients of tensors that inference mode made cannot be taken.
    with torch.inference_mode(not both_ways):
        x, dy = images(rows, channels, h, w), images(rows, channels, h, w)
        mean, variance, weight, bias = [fn(channels) for fn in (torch.zeros, torch.ones, torch.ones, torch.zeros)]
    if not both_ways:
        return lambda: F.batch_norm(x, mean, variance, weight, bias, training, 0.01, 1e-3)
    inputs = [t.requires_grad_() for t in (x, weight, bias)]
    def call():
        with torch.inference_mode(False):
            return torch.autograd.grad(F.batch_norm(x, mean, variance, weight, bias, True, 0.01, 1e-3), inputs, dy)
    return call


def softmax_grad(c):
    y, dy = torch.softmax(torch.randn(*c["shape"]), 1), torch.randn(*c["shape"])
    return lambda: torch.ops.aten._softmax_backward_data(dy, y, 1, torch.float32)


def optimizer(make):
    def start(c):
        with torch.inference_mode(False):
            x = torch.randn(*c["shape"], requires_grad=True)
            x.grad = torch.randn(*c["shape"])
            rule = make([x])
        def call():
            with torch.inference_mode(False):
                rule.step()
        return call
    return start


def cross_entropy(c):
    with torch.inference_mode(False):
        x = torch.randn(*c["shape"], requires_grad=True)
        labels = torch.randint(c["shape"][1], c["shape"][:1])
    def call():
        with torch.inference_mode(False):
            return torch.autograd.grad(F.cross_entropy(x, labels), x)
    return call


def gather(c):
    x, indices = torch.randn(*c["shape"]), torch.randint(c["shape"][0], (c["count"],))
    return lambda: torch.index_select(x, 0, indices)


def one_hot(c):
    (n,) = c["shape"]
    indices = torch.randint(c["depth"], (n, 1))
    return lambda: torch.zeros(n, c["depth"]).scatter_(1, indices, 1.0)


def resize_bilinear(c):
    n, h, w, channels = c["shape"]
    x = images(n, channels, h, w)
    return lambda: F.interpolate(x, c["size"], mode="bilinear", align_corners=False)


makers = {
    "conv": conv, "depthwise": lambda c: conv(c, 0), "matmul": matmul,
    "maxpool": lambda c: pool(c, F.max_pool2d, "max"), "avgpool": lambda c: pool(c, F.avg_pool2d, "avg"),
    "relu": unary(torch.relu), "sigmoid": unary(torch.sigmoid), "tanh": unary(torch.tanh), "exp": unary(torch.exp),
    "softmax": unary(lambda x: torch.softmax(x, 1)), "softmaxGrad": softmax_grad,
    "logSoftmax": unary(lambda x: torch.log_softmax(x, 1)), "softmaxCrossEntropyTraining": cross_entropy,
    "batchnorm": lambda c: batch_norm(c, False), "batchnormTraining": lambda c: batch_norm(c, True),
    "batchnormTrainingBothWays": lambda c: batch_norm(c, True, True), "transpose": unary(lambda x: x.t().contiguous()),
    "adam": optimizer(lambda x: torch.optim.Adam(x, 1e-3, fused=True)),
    "momentum": optimizer(lambda x: torch.optim.SGD(x, 1e-3, momentum=0.9, fused=True)),
    "mean": unary(lambda x: x.mean(1)),
    "sum": unary(lambda x: x.sum(1)), "sumRows": unary(lambda x: x.sum(0)),
    "gather": gather, "oneHot": one_hot, "resizeBilinear": resize_bilinear,
    "randomNormal": lambda c: lambda: torch.randn(*c["shape"]), "dropout": unary(lambda x: F.dropout(x, 0.5, True)),
    "add": binary(torch.add), "multiply": binary(torch.mul), "biasAdd": binary(torch.add, lambda shape: shape[1:]),
}

current, call = -1, None
print(json.dumps({"ready": f"PyTorch {torch.__version__} {layout_name}"}), flush=True)
with torch.inference_mode():
    for line in sys.stdin:
        request = json.loads(line)
        if request["case"] != current:
            current = request["case"]
            call = makers[cases[current]["kind"]](cases[current])
        ms = []
        for _ in range(request["count"]):
            start = time.perf_counter()
            y = call()
            ms.append((time.perf_counter() - start) * 1e3)
            del y
        print(json.dumps({"ms": ms}), flush=True)
