"""What the peers in Python share: arguments, data, and the protocol of contender.mjs.

PEER_contender.py VARIANT MODEL BATCH THREADS step|fit|predict|predict-one|evaluate
"""
import json, os, sys, time

variant, model_name, what = sys.argv[1], sys.argv[2], sys.argv[5]
batch, threads = int(sys.argv[3]), int(sys.argv[4])
os.environ["OMP_NUM_THREADS"] = str(threads)
import numpy as np


def images():
    """NHWC float32 in 0 ... 1 (sequences for the LSTM) and int64 classes (masks for the U-Net): MNIST, or noise for what
    takes another shape."""
    r = np.random.default_rng(0)
    if model_name == "unet":
        x = r.random((1600, 64, 64, 1), "float32")
        return x, (x > .5).astype("float32")
    if model_name == "lstm":
        return r.random((6400, 100, 40), "float32"), r.integers(0, 10, 6400)
    if model_name in ("wide", "resnet8", "mobilenet"):
        return r.random((6400, 32, 32, 3), "float32"), r.integers(0, 10, 6400)
    data = os.environ["MNIST_DIR"]
    x = np.fromfile(f"{data}/train-images-idx3-ubyte", "uint8")[16:].reshape(-1, 28, 28, 1)
    return x.astype("float32") / 255, np.fromfile(f"{data}/train-labels-idx1-ubyte", "uint8")[8:].astype("int64")


def serve(version, step, epoch, batches, forward=None, warm_up=50):
    """step(batch), epoch() and forward(), for the other works, must not return before their work is done."""
    at = 0

    def steps(n):
        nonlocal at
        ms = []
        for _ in range(n):
            start = time.perf_counter()
            step(batches[at % len(batches)])
            ms.append((time.perf_counter() - start) * 1e3)
            at += 1
        return ms

    def times(work, n):
        ms = []
        for _ in range(n):
            start = time.perf_counter()
            work()
            ms.append((time.perf_counter() - start) * 1e3)
        return ms

    if what in ("step", "fit"):
        steps(warm_up)
        run = steps if what == "step" else lambda n: times(epoch, n)
    else:
        times(forward, 200 if what == "predict-one" else 3)
        run = lambda n: times(forward, n)
    print(json.dumps({"ready": version}), flush=True)
    for line in sys.stdin:
        print(json.dumps({"ms": run(int(line))}), flush=True)
