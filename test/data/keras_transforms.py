"""Prints keras-transforms.json: images changed by Keras' ImageDataGenerator, for augment.test.ts.

pip install keras==3.12.0 jax numpy scipy && KERAS_BACKEND=numpy python test/data/keras_transforms.py > test/data/keras-transforms.json
"""
import json

import numpy as np
from keras.src.legacy.preprocessing.image import apply_affine_transform, flip_axis

random = np.random.default_rng(7)
size = 12
image = random.integers(0, 256, (size, size, 2)).astype(np.float32)
cases = []
for mode in ["constant", "nearest", "reflect", "wrap"]:
    for transform in [
        {"theta": 10.0},
        {"theta": -80.0},
        {"tx": 2.5, "ty": -1.25},
        {"shear": 12.0},
        {"zx": 0.9, "zy": 1.2},
        {"theta": 33.0, "tx": -3.0, "ty": 4.5, "shear": -8.0, "zx": 1.3, "zy": 0.7},
    ]:
        for flip in [False, True]:
            y = apply_affine_transform(image, **transform, row_axis=0, col_axis=1, channel_axis=2, fill_mode=mode, cval=9.0)
            if flip:
                y = flip_axis(flip_axis(y, 1), 0)
            cases.append({"fillMode": mode, "transform": transform, "flip": flip, "pixels": [round(float(v), 4) for v in y.ravel()]})
print(json.dumps({"size": size, "channels": 2, "image": image.ravel().tolist(), "cases": cases}))
