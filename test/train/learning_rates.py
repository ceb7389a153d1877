"""Prints learning-rates.json: learning rates of PyTorch's schedulers and of Keras' plateau, for schedule.test.ts.

pip install torch==2.13.0 keras==3.12.0 jax && KERAS_BACKEND=jax python test/train/learning_rates.py > test/train/learning-rates.json
"""
import json

import keras
import numpy as np
import torch
from torch.optim import lr_scheduler as schedules

rate, epochs, steps = 0.02, 6, 5


def rates(make):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate)
    schedule = make(optimizer)
    found = []
    for _ in range(epochs * steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        # The last step has no next one, which OneCycleLR refuses.
        if len(found) < epochs * steps:
            schedule.step()
    return found


def after_warmup(make, warmup=2 * steps):
    return lambda o: schedules.SequentialLR(
        o, [schedules.LambdaLR(o, lambda step: step / warmup), make(o)], milestones=[warmup])


def step(o):
    return schedules.StepLR(o, step_size=2 * steps, gamma=0.3)


def cosine(length):
    return lambda o: schedules.CosineAnnealingLR(o, T_max=length * steps)


def plateau(losses):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(rate), "mse")
    callback = keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.3, patience=2, min_delta=0)
    callback.set_model(model)
    callback.on_train_begin()
    found = []
    for epoch, loss in enumerate(losses):
        found.append(float(model.optimizer.learning_rate))
        callback.on_epoch_end(epoch, {"val_loss": loss})
    return found


losses = [round(float(v), 3) for v in np.random.default_rng(3).random(40) + np.linspace(1, 0, 40)]
print(json.dumps({
    "rate": rate, "epochs": epochs, "steps": steps,
    "rates": {
        "step": rates(step),
        "step after a warm-up": rates(after_warmup(step)),
        "cosine": rates(cosine(epochs)),
        "cosine after a warm-up": rates(after_warmup(cosine(epochs - 2))),
        # PyTorch counts from the first to the last step, we from the beginning of the first to the end of the last: with one
        # step more, and the highest rate at 0.3 of our time, it is the same curve.
        "one-cycle": rates(lambda o: schedules.OneCycleLR(
            o, rate, total_steps=epochs * steps + 1, pct_start=(0.3 * epochs * steps + 1) / (epochs * steps + 1))),
    },
    "losses": losses,
    "plateau": plateau(losses),
}))
